package squashfs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestInOrder(t *testing.T) {
	var files []*inode
	add := func(names ...string) {
		for _, name := range names {
			files = append(files, &inode{path: name})
		}
	}
	add("p/__pycache__/__pycache__/a.x.pyc", "p/__pycache__/a.311.pyc", "p/__pycache__/a.312.pyc", "p/__pycache__/a.py",
		"p/__pycache__/gone.311.pyc", "p/__pycache__/b.311.pyc", "p/a.py", "p/b.py", "p/b.txt")
	for i := range manyNames {
		add(fmt.Sprintf("lang/%d/z.mo", i), fmt.Sprintf("lang/%d/m.py", i))
	}
	add("lang/0/__pycache__/m.311.pyc", "last")
	want := `p/__pycache__/__pycache__/a.x.pyc p/__pycache__/gone.311.pyc
		p/a.py p/__pycache__/a.311.pyc p/__pycache__/a.312.pyc p/__pycache__/a.py p/b.py p/__pycache__/b.311.pyc p/b.txt
		lang/0/__pycache__/m.311.pyc last`
	for _, name := range []string{"m.py", "z.mo"} {
		for i := range manyNames {
			want += fmt.Sprintf(" lang/%d/%s", i, name)
		}
	}
	var got []string
	for _, in := range inOrder(files) {
		got = append(got, in.path)
	}
	if !slices.Equal(got, strings.Fields(want)) {
		t.Errorf("got  %q\nwant %q", got, strings.Fields(want))
	}
}
