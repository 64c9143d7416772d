//go:build amd64 || arm64

package observe

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// TestArguments holds that arguments of all lengths and numbers are recorded, up
// to the bounds.
func TestArguments(t *testing.T) {
	var args []string
	for _, n := range []int{0, 1, shortText - 1, shortText, shortText + 1, pageSize, maxText - 1, maxText + 100, 3} {
		args = append(args, strings.Repeat("x", n))
	}
	for range manyTexts {
		args = append(args, "one", "", "three")
	}
	want := append([]string{"/bin/true"}, args...)
	many := slices.Repeat([]string{"a", "bc"}, maxWords)
	ways(t, func(t *testing.T, way Way) {
		r := try(t, way, nil, append([]string{"/bin/sh", "-c", `/bin/true "$@"; exec /bin/true ` + strings.Join(many, " "), "sh"}, args...)...)
		if len(r.Programs) != 3 {
			t.Fatalf("programs %+v", r.Programs)
		}
		got := r.Programs[1].Args
		for i := range want {
			w := want[i]
			w = w[:min(len(w), maxText)]
			if i >= len(got) || got[i] != w {
				t.Fatalf("argument %d of %d: not as it was, of %d bytes", i, len(got), len(w))
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d arguments, want %d", len(got), len(want))
		}
		if got := r.Programs[2].Args; len(got) != maxWords || got[1] != "a" || got[2] != "bc" {
			t.Errorf("of many, %d arguments", len(got))
		}
	})
}

func TestParent(t *testing.T) {
	cmd := exec.Command("/bin/sleep", "10")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	d := newDesk()
	ppid, began, ok := d.parent(cmd.Process.Pid)
	if !ok || ppid != os.Getpid() || began == 0 {
		t.Errorf("child: parent %d, began %d, %t", ppid, began, ok)
	}
	_, mine, ok := d.parent(os.Getpid())
	if !ok || mine > began {
		t.Errorf("this process began at %d, its child at %d", mine, began)
	}
	if _, _, ok := d.parent(1 << 30); ok {
		t.Error("a process that there is not has a parent")
	}
	if !d.canExecute("/bin/sh") || d.canExecute("/etc/passwd") || d.canExecute("/bin/sh"+strings.Repeat("/", maxText+64)) {
		t.Error("what can be executed")
	}
	if dir, ok := d.link(os.Getpid(), "cwd"); !ok || !strings.HasSuffix(dir, "observe") {
		t.Errorf("works in %q", dir)
	}
}

// TestBuffers holds that a buffer is used again once it was sent, not before, and
// that the server sends it as it is.
func TestBuffers(t *testing.T) {
	var free buffers
	a, b := free.take(), free.take()
	if a == b || len(a.b) != maxRead {
		t.Fatalf("two reads share a buffer, or it has %d bytes", len(a.b))
	}
	copy(a.b, "hello")
	a.size = 5
	slices, status := a.Slices()
	bytes, _ := a.Bytes(nil)
	if status != fuse.OK || len(slices) != 1 || string(slices[0]) != "hello" || string(bytes) != "hello" || a.Size() != 5 {
		t.Errorf("%q, %q, %d", slices, bytes, a.Size())
	}
	b.Done()
	if c := free.take(); c != b {
		t.Error("the buffer that was given back is not used again")
	}
	a.Done()
	if c := free.take(); c != a {
		t.Error("the last one is not taken first")
	}
}

// TestManyReaders reads large files at once: each has its own contents.
func TestManyReaders(t *testing.T) {
	files := map[string]string{}
	for _, c := range "abcd" {
		files[string(c)] = strings.Repeat(string(c), 3<<20+123)
	}
	ways(t, func(t *testing.T, way Way) {
		r := try(t, way, files, `for f in a b c d; do (tr -d $f < $f | wc -c) & done; wait`)
		if strings.TrimSpace(strings.ReplaceAll(r.out, "\n", "")) != "0000" {
			t.Errorf("printed %q", r.out)
		}
	})
}
