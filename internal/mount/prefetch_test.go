package mount

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"repro/format/tree"
)

// recorder notes which units of which files are brought into memory.
type recorder struct {
	mu    sync.Mutex
	units map[string]int
}

// recorded is the content of a file.
type recorded struct {
	*bytes.Reader
	name string
	to   *recorder
}

func (r recorded) Close() error { return nil }
func (r recorded) Unit() int    { return 4096 }
func (r recorded) Lend(off int64, n int) ([]byte, func(), error) {
	if off >= r.Size() {
		return nil, nil, io.EOF
	}
	r.to.mu.Lock()
	defer r.to.mu.Unlock()
	r.to.units[r.name]++
	return nil, func() {}, nil
}

func (r *recorder) put(t *testing.T, root *tree.Node, name string, content []byte) {
	t.Helper()
	n := tree.NewFile(0o755, content)
	n.Open = func() (io.ReadCloser, error) { return recorded{bytes.NewReader(content), name, r}, nil }
	if err := root.Put(name, n); err != nil {
		t.Fatal(err)
	}
}

// elfFile is a file with the headers that say so much.
func elfFile(interp, runPath string, needed ...string) []byte {
	const at = headerSize + 3*segmentSize
	le := binary.LittleEndian
	names := []byte{0}
	var dynamic []byte
	entry := func(tag, value uint64) { dynamic = le.AppendUint64(le.AppendUint64(dynamic, tag), value) }
	name := func(tag uint64, s string) {
		entry(tag, uint64(len(names)))
		names = append(append(names, s...), 0)
	}
	for _, s := range needed {
		name(dynNeeded, s)
	}
	if runPath != "" {
		name(dynRunPath, runPath)
	}
	const base = 0x400000
	first := uint64(at + len(interp) + 1)
	entry(dynStrings, base+first)
	b := le.AppendUint16(append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9)...), 3)
	b = le.AppendUint32(le.AppendUint16(b, machineX86), 1)
	b = le.AppendUint64(le.AppendUint64(b, 0), headerSize)
	b = append(b, make([]byte, 54-len(b))...)
	b = le.AppendUint16(le.AppendUint16(b, segmentSize), 3)
	b = append(b, make([]byte, headerSize-len(b))...)
	segment := func(kind uint32, off, address, size uint64) {
		b = le.AppendUint64(le.AppendUint64(le.AppendUint32(le.AppendUint32(b, kind), 4), off), address)
		b = le.AppendUint64(le.AppendUint64(le.AppendUint64(le.AppendUint64(b, 0), size), size), 1)
	}
	segment(segLoad, 0, base, 1<<20)
	kind := uint32(segInterp)
	if interp == "" {
		kind = 0
	}
	segment(kind, at, base+at, uint64(len(interp)+1))
	segment(segDynamic, first+uint64(len(names)), 0, uint64(len(dynamic)))
	return append(append(append(append(b, interp...), 0), names...), dynamic...)
}

func TestPrefetch(t *testing.T) {
	r := &recorder{units: map[string]int{}}
	root := tree.NewDir()
	put := func(name string, content []byte) { r.put(t, root, name, content) }
	put("usr/bin/prog", elfFile("/lib64/ld.so", "", "liba.so", "libnone.so"))
	put("usr/lib/x86_64-linux-gnu/ld.so", elfFile("", ""))
	put("usr/lib/x86_64-linux-gnu/liba.so", elfFile("", "", "libc.so"))
	put("usr/lib/x86_64-linux-gnu/libc.so", append(elfFile("", "", "liba.so"), make([]byte, 10_000)...))
	put("opt/env/bin/tool", elfFile("", "$ORIGIN/../lib", "libc.so"))
	put("opt/env/lib/libc.so", elfFile("", ""))
	put("script", []byte("#! /usr/bin/prog -x\n"))
	put("loop", []byte("#!/loop\n"))
	put("text", []byte("no program"))
	put("huge", make([]byte, 2*maxPrefetch))
	for name, target := range map[string]string{"bin": "usr/bin", "lib64/ld.so": "/lib/x86_64-linux-gnu/ld.so", "lib": "usr/lib", "endless": "endless"} {
		if err := root.Put(name, tree.NewSymlink(target)); err != nil {
			t.Fatal(err)
		}
	}
	l, err := tree.NewLayer(root)
	if err != nil {
		t.Fatal(err)
	}
	v, err := tree.NewView(tree.Look{}, l)
	if err != nil {
		t.Fatal(err)
	}
	const prog = "usr/bin/prog usr/lib/x86_64-linux-gnu/ld.so usr/lib/x86_64-linux-gnu/liba.so usr/lib/x86_64-linux-gnu/libc.so"
	for _, c := range []struct{ program, search, want string }{
		{"/bin/prog", "", prog},
		{"prog", "/none:/bin:/usr/bin", prog},
		{"prog", "bin", ""},
		{"bin/prog", "/", ""},
		{"/script", "", prog + " script"},
		{"/opt/env/bin/tool", "", "opt/env/bin/tool opt/env/lib/libc.so"},
		{"/loop", "", "loop"},
		{"/text", "", "text"},
		{"/bin", "", ""},
		{"/none", "", ""},
		{"/endless", "", ""},
		{"/huge", "", "huge"},
	} {
		clear(r.units)
		Prefetch(context.Background(), v, c.program, c.search)
		want := strings.Fields(c.want)
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(r.units)); !slices.Equal(got, want) {
			t.Errorf("%q in %q brings in %q, want %q", c.program, c.search, got, want)
		}
		if n := r.units["usr/lib/x86_64-linux-gnu/libc.so"]; n != 0 && n != 3 {
			t.Errorf("%q brings in %d parts of a library, want all 3", c.program, n)
		}
		if n := r.units["huge"]; n > maxPrefetch/4096+1 {
			t.Errorf("%d units of a huge file", n)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	clear(r.units)
	if Prefetch(ctx, v, "/bin/prog", ""); len(r.units) > 0 {
		t.Errorf("after the end: %v", r.units)
	}
}

func FuzzELF(f *testing.F) {
	good := elfFile("/lib64/ld.so", "$ORIGIN/lib", "liba.so", "libb.so")
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(good[:headerSize])
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := readELF(bytes.NewReader(b))
		if err == nil && (len(n.needed) > maxNeeded || len(n.interp) > maxELFName) {
			t.Errorf("beyond the bounds: %d libraries, interpreter of %d bytes", len(n.needed), len(n.interp))
		}
	})
}
