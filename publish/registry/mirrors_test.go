package registry

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func conf(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "registries.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestMirror brings an image from a mirror that has it, and from the registry what
// the mirror lacks; sends nothing there.
func TestMirror(t *testing.T) {
	image, content := newImage(t, 1<<20)
	origin, near, dead := serve(t, true), serve(t, true), "127.0.0.1:1"
	o := quick
	o.mirrors = []string{conf(t, fmt.Sprintf("[[registry]]\nlocation = %q\n[[registry.mirror]]\nlocation = %q\n[[registry.mirror]]\nlocation = %q\n",
		origin.host+"/lab", dead, near.host+"/copies"))}
	pushed := pushWith(t, o, origin.host, "lab/paper:1", image)
	if n := near.count("", ""); n != 0 {
		t.Errorf("the mirror was asked %d times at a push", n)
	}
	pull := func(tag string) {
		t.Helper()
		name := filepath.Join(t.TempDir(), "paper.sif")
		p, err := connectWith(t, o, origin.host, "lab/paper:"+tag, false).Pull(t.Context(), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		sameFileContent(t, name, content)
		if want := Scheme + origin.host + "/lab/paper@" + string(pushed.Digest); p.Reference != want {
			t.Errorf("reference %s, want %s", p.Reference, want)
		}
	}
	pull("1") // which the mirror lacks
	if n := origin.count("GET", "/blobs/"); n == 0 {
		t.Error("nothing came from the registry")
	}
	push(t, near.host, "copies/paper:1", image)
	near.count("", "")
	pull("1")
	if n, m := origin.count("GET", ""), near.count("GET", "/blobs/"); n != 0 || m == 0 {
		t.Errorf("%d requests to the registry, %d for blobs to the mirror", n, m)
	}
}

func TestMirrorsOf(t *testing.T) {
	ref, err := ParseReference("oci://registry.example.org/lab/sub/paper:1")
	if err != nil {
		t.Fatal(err)
	}
	digest := "sha256:" + strings.Repeat("ab", 32)
	const one = "[[registry]]\nprefix = \"registry.example.org\"\n[[registry.mirror]]\nlocation = \"a.example.org/x\"\n"
	for _, c := range []struct {
		files []string
		want  string
		err   string
	}{
		{nil, "", ""},
		{[]string{one}, "oci://a.example.org/x/lab/sub/paper:1 false", ""},
		{[]string{one, "[[registry]]\nlocation = \"registry.example.org/lab\"\n[[registry.mirror]]\nlocation = \"b.example.org\"\ninsecure = true\n"}, "oci://b.example.org/sub/paper:1 true", ""},
		{[]string{"[[registry]]\nlocation = \"registry.example.org/lab\"\n", one}, "", ""},
		{[]string{one, strings.ReplaceAll(one, "a.example", "c.example")}, "oci://c.example.org/x/lab/sub/paper:1 false", ""},
		{[]string{strings.ReplaceAll(one, "registry.example.org", "registry.example")}, "", ""},
		{[]string{strings.ReplaceAll(one, "registry.example.org", "registry.example.org/la")}, "", ""},
		{[]string{"[[registry]]\nlocation = \"registry.example.org\"\nblocked = true\n"}, "", "blocked by this file"},
		{[]string{"[[registry]]\nlocation = \"registry.example.org\"\n[[registry.mirror]]\nlocation = \"nohost\"\n"}, "", "mirror of registry.example.org"},
		{[]string{"[[registry"}, "", "registries.conf"},
		{[]string{strings.Repeat("#", maxConf+1)}, "", "at most"},
	} {
		files := []string{filepath.Join(t.TempDir(), "none")}
		for _, text := range c.files {
			files = append(files, conf(t, text))
		}
		all, err := mirrorsOf(ref, files)
		got := ""
		for _, m := range all {
			got += fmt.Sprint(m.ref, " ", m.plain)
		}
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: %q, %v; want %q, %q", c.files, got, err, c.want, c.err)
		}
	}
	pinned := ref.Pinned(digest)
	if all, err := mirrorsOf(pinned, []string{conf(t, one)}); err != nil || len(all) != 1 || all[0].ref.digest() != digest {
		t.Errorf("%v, %v", all, err)
	}
}
