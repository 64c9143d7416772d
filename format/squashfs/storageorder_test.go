package squashfs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestInOrder(t *testing.T) {
	var files []*inode
	var want, last []string
	add := func(to *[]string, name string) {
		files = append(files, &inode{path: name})
		*to = append(*to, name)
	}
	var texts []string
	for i := range manyNames {
		add(&last, fmt.Sprintf("lang/%d/z.mo", i))
		add(&want, fmt.Sprintf("lang/%d/%d.mo", i, i))
		add(&texts, fmt.Sprintf("lang/%d/a.txt", i))
	}
	for i := range manyNames - 1 {
		add(&want, fmt.Sprintf("src/%d/few", i))
	}
	add(&last, "z.mo")
	add(&want, "zz")
	want = slices.Concat(want, texts, last)
	var got []string
	for _, in := range storageOrder(files) {
		got = append(got, in.path)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, " "), strings.Join(want, " "))
	}
}
