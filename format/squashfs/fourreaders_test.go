package squashfs

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"repro/format/tree"
)

// TestFourReadersAgree changes the structure of a file system at random, in the
// fields that its tables consist of. What Check accepts of it must be the same
// files to Linux, squashfuse, unsquashfs and this package.
func TestFourReadersAgree(t *testing.T) {
	peers := []peer{{"linux", kernelReads}, {"squashfuse", squashfuseReads}, {"unsquashfs", unsquashfsReads}}
	needPeers(t)
	image := manyShapes(t)
	if err := compareReaders(t, image, peers); err != nil {
		t.Fatal(err)
	}
	fields, kinds := fieldsOf(t, image)
	r := rand.New(rand.NewPCG(1, 2))
	wanted, budget := 25, 40*time.Second
	if os.Getenv("REPRO_TEST_LONG") != "" {
		wanted, budget = 800, 2*time.Minute
	}
	tried, accepted := 0, 0
	for began := time.Now(); accepted < wanted && time.Since(began) < budget; tried++ {
		b := bytes.Clone(image)
		what := mutate(r, b, fields, kinds)
		if checked(t, b) != nil || bytes.Equal(b, image) {
			continue
		}
		accepted++
		if err := compareReaders(t, b, peers); err != nil {
			t.Errorf("%s: %v", what, err)
			if dir := os.Getenv("REPRO_TEST_KEEP"); dir != "" {
				_ = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.squashfs", tried)), b, 0o644)
			}
		}
	}
	if t.Logf("%d changed file systems, %d of them accepted", tried, accepted); accepted < 10 {
		t.Errorf("only %d of %d changed file systems were accepted: the test shows nothing", accepted, tried)
	}
}

func needPeers(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skipf("needs root")
	}
	for _, name := range []string{"mount", "squashfuse", "fusermount3", "unsquashfs"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("needs %s", name)
		}
	}
	if b, _ := os.ReadFile("/proc/filesystems"); !bytes.Contains(b, []byte("\tsquashfs\n")) {
		t.Skipf("needs a kernel that mounts squashfs")
	}
}

// manyShapes is an uncompressed file system of small blocks that has every
// structure which the format has.
func manyShapes(t *testing.T) []byte {
	t.Helper()
	root := tree.NewDir()
	noise := func(n int, seed uint64) []byte {
		b, r := make([]byte, n), rand.New(rand.NewPCG(seed, 1))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	x := map[string][]byte{"user.a": []byte("1"), "user.b": noise(40, 9)}
	files := map[string]*tree.Node{
		"a/blocks":   tree.NewFile(0o644, noise(9000, 1)),
		"a/twin":     tree.NewFile(0o600, noise(9000, 1)),
		"a/whole":    tree.NewFile(0o644, noise(8192, 2)),
		"a/sparse":   tree.NewFile(0o644, slices.Concat(noise(4096, 3), make([]byte, 8192), noise(100, 4))),
		"a/holes":    tree.NewFile(0o644, make([]byte, 12288)),
		"a/empty":    tree.NewFile(0o4755, nil),
		"a/small":    tree.NewFile(0o644, []byte("small\n")),
		"a/other":    tree.NewFile(0o644, []byte("other\n")),
		"a/link":     tree.NewSymlink("../b/e-010"),
		"c/fifo":     {Mode: fs.ModeNamedPipe | 0o600},
		"c/null":     {Mode: fs.ModeDevice | fs.ModeCharDevice | 0o666, Device: tree.EncodeDevice(1, 3)},
		"c/disk":     {Mode: fs.ModeDevice | 0o660, Device: tree.EncodeDevice(259, 70000), GID: 6},
		"c/owned":    {Mode: 0o644, UID: 1000, GID: 100},
		"c/xattrs":   {Mode: 0o644, Xattrs: x},
		"c/d/e/deep": {Mode: 0o644, Xattrs: map[string][]byte{"user.c": []byte("3")}},
		"c/void":     tree.NewDir(),
	}
	for i := range 200 {
		files[fmt.Sprintf("b/e-%03d%s", i, strings.Repeat("x", i%120))] = tree.NewFile(0o644, []byte{byte(i)})
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := root.Put(name, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := root.Put("c/second", files["a/blocks"]); err != nil {
		t.Fatal(err)
	}
	m := &memory{}
	if _, err := Write(t.Context(), m, root, Options{Codec: "none", BlockSize: 4096, ModTime: 1_700_000_000}); err != nil {
		t.Fatal(err)
	}
	return m.b
}

// field is where the bytes of one number of a table stand, lowest first.
type field []int

func (f field) get(b []byte) (v uint64) {
	for i, at := range f {
		v |= uint64(b[at]) << (8 * i)
	}
	return v
}

func (f field) set(b []byte, v uint64) {
	for i, at := range f {
		b[at] = byte(v >> (8 * i))
	}
}

// mutate changes one or two fields, or a few bytes, and says which.
func mutate(r *rand.Rand, b []byte, fields map[string][]field, kinds []string) string {
	var done []string
	for range 1 + r.IntN(2) {
		kind := kinds[r.IntN(len(kinds))]
		of := fields[kind]
		f := of[r.IntN(len(of))]
		before := f.get(b)
		after := before
		switch r.IntN(7) {
		case 0:
			after++
		case 1:
			after--
		case 2:
			after = 0
		case 3:
			after = 1<<64 - 1
		case 4:
			after ^= 1 << r.IntN(8*len(f))
		case 5:
			after = of[r.IntN(len(of))].get(b)
		case 6:
			other := of[r.IntN(len(of))]
			after = other.get(b)
			other.set(b, before)
		}
		f.set(b, after)
		done = append(done, fmt.Sprintf("%s at %d: %#x to %#x", kind, f[0], before, f.get(b)))
	}
	return strings.Join(done, ", ")
}

// fieldsOf finds the fields of an uncompressed file system, by kind.
func fieldsOf(t *testing.T, image []byte) (map[string][]field, []string) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string][]field{}
	add := func(kind string, width int, place func(i int) int) {
		f := make(field, width)
		for i := range f {
			f[i] = place(i)
		}
		fields[kind] = append(fields[kind], f)
	}
	plain := func(at int) func(int) int { return func(i int) int { return at + i } }
	for at := 0; at < superblockSize; {
		width := 4
		if at >= 20 && at < 32 {
			width = 2
		} else if at >= 32 {
			width = 8
		}
		add(fmt.Sprintf("superblock %d", at), width, plain(at))
		at += width
	}
	add("options", 2, plain(96))
	add("options", 4, plain(98))
	stream := func(in region, at int64) func(int) int {
		return func(i int) int {
			l := at + int64(i)
			return int(in.start + l/metadataSize*(metadataSize+2) + 2 + l%metadataSize)
		}
	}
	for _, in := range []region{r.inodes, r.dirs, r.fragments.region, r.idTable.region, r.xattrs.sets, r.xattrs.region} {
		for at := in.start; at < in.end; {
			add("metadata head", 2, plain(int(at)))
			at += 2 + int64(le.Uint16(image[at:])&^metadataRaw)
		}
	}
	inodeFields(t, r, stream, add)
	for i := range int64(r.super.Fragments) {
		add("fragment place", 8, stream(r.fragments.region, 16*i))
		add("fragment size", 4, stream(r.fragments.region, 16*i+8))
		add("fragment unused", 4, stream(r.fragments.region, 16*i+12))
	}
	for i := range int64(r.super.IDs) {
		add("id", 4, stream(r.idTable.region, 4*i))
	}
	for i := range int64(r.xattrs.count) {
		add("set place", 8, stream(r.xattrs.region, 16*i))
		add("set count", 4, stream(r.xattrs.region, 16*i+8))
		add("set size", 4, stream(r.xattrs.region, 16*i+12))
	}
	for at := r.xattrs.sets.start + 2; at < r.xattrs.sets.end; at++ {
		add("xattr byte", 1, plain(int(at)))
	}
	for _, list := range []index{{at: int64(r.super.ExportTable), count: uint64(r.super.Inodes), width: 8}, r.fragments, r.idTable} {
		for i := range listSize(list.count, list.width) / 8 {
			add("list", 8, plain(int(list.at+8*i)))
		}
	}
	for at := int64(r.super.XattrTable); at+8 <= r.size; at += 8 {
		add("xattr head", 8, plain(int(at)))
	}
	for at := superblockSize + 6; at < int(r.inodes.start); at += 97 {
		add("data", 1, plain(at))
	}
	for at := r.size; at < int64(len(image)); at += 13 {
		add("padding", 1, plain(int(at)))
	}
	return fields, slices.Sorted(maps.Keys(fields))
}

// inodeFields adds the fields of inodes and listings.
func inodeFields(t *testing.T, r *Reader, stream func(region, int64) func(int) int, add func(string, int, func(int) int)) {
	t.Helper()
	c := checker{r: r}
	e, err := c.stream("inodes", r.inodes)
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.stream("directories", r.dirs)
	if err != nil {
		t.Fatal(err)
	}
	x, err := c.exportTable()
	if err != nil {
		t.Fatal(err)
	}
	layout := map[uint16][]int{ // widths of what follows the header
		1: {4, 4, 2, 2, 4}, 8: {4, 4, 4, 4, 2, 2, 4}, 2: {4, 4, 4, 4}, 9: {8, 8, 8, 4, 4, 4, 4},
		3: {4, 4}, 10: {4, 4}, 4: {4, 4}, 5: {4, 4}, 6: {4}, 11: {4, 4, 4}, 12: {4, 4, 4}, 13: {4, 4},
	}
	for number := range uint64(r.super.Inodes) {
		b, err := r.record(x, number)
		if err != nil {
			t.Fatal(err)
		}
		in, err := r.inode(le.Uint64(b))
		if err != nil {
			t.Fatal(err)
		}
		add("export", 8, stream(x.region, int64(8*number)))
		kind := in.kind
		if in.long {
			kind += extended
		}
		at := e.place(in.ref>>16, int(in.ref&0xffff))
		for i, width := range append([]int{2, 2, 2, 2, 4, 4}, layout[kind]...) {
			add(fmt.Sprintf("inode %d field %d", kind, i), width, stream(r.inodes, at))
			at += int64(width)
		}
		switch {
		case in.kind == typeFile:
			for range in.node.Size / 4096 {
				add("block size", 4, stream(r.inodes, at))
				at += 4
			}
		case in.kind == typeSymlink:
			add("target", 1, stream(r.inodes, at))
		case in.kind == typeDir:
			listFields(t, r, in, at, d, stream, add)
		}
	}
}

func listFields(t *testing.T, r *Reader, in *record, at int64, d extent, stream func(region, int64) func(int) int, add func(string, int, func(int) int)) {
	t.Helper()
	entries, err := in.readIndex()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		for i := range int64(3) {
			add(fmt.Sprintf("index field %d", i), 4, stream(r.inodes, at+4*i))
		}
		for i := range int64(len(e.name)) {
			add("index name", 1, stream(r.inodes, at+12+i))
		}
		at += 12 + int64(len(e.name))
	}
	list := d.place(in.listing, in.within)
	read := func(at int64, width int) uint64 {
		f := make(field, width)
		for i := range f {
			f[i] = stream(r.dirs, at)(i)
		}
		b := make([]byte, f[len(f)-1]+1)
		if _, err := r.src.ReadAt(b, 0); err != nil {
			t.Fatal(err)
		}
		return f.get(b)
	}
	for end := list + in.length; list < end; {
		for i := range int64(3) {
			add(fmt.Sprintf("run field %d", i), 4, stream(r.dirs, list+4*i))
		}
		count := read(list, 4) + 1
		list += listHeaderSize
		for range count {
			for i := range int64(4) {
				add(fmt.Sprintf("entry field %d", i), 2, stream(r.dirs, list+2*i))
			}
			size := int64(read(list+6, 2)) + 1
			for i := range size {
				add("name", 1, stream(r.dirs, list+listEntrySize+i))
			}
			list += listEntrySize + size
		}
	}
}

type peer struct {
	name string
	read func(t *testing.T, file string) ([]string, error)
}

// compareReaders says which of the peers reads another tree than this package.
func compareReaders(t *testing.T, image []byte, peers []peer) error {
	t.Helper()
	r, err := NewReader(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		return err
	}
	root, err := r.Tree()
	if err != nil {
		return fmt.Errorf("Check accepts what Tree refuses: %w", err)
	}
	want, err := listing(root)
	if err != nil {
		return fmt.Errorf("Check accepts what cannot be read: %w", err)
	}
	file := filepath.Join(t.TempDir(), "x.squashfs")
	if err := os.WriteFile(file, image, 0o644); err != nil {
		t.Fatal(err)
	}
	var wrong []error
	for _, p := range peers {
		got, err := p.read(t, file)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", p.name, err))
		} else if at := firstOther(got, want); at >= 0 {
			wrong = append(wrong, fmt.Errorf("%s reads %.200q, this package %.200q", p.name, line(got, at), line(want, at)))
		}
	}
	return errors.Join(wrong...)
}

func firstOther(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if line(a, i) != line(b, i) {
			return i
		}
	}
	return -1
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// listing is a line for each name of a tree, with all that a reader sees of it
// but hard links, which squashfuse does not tell of.
func listing(root *tree.Node) (lines []string, err error) {
	for name, n := range root.All() {
		sum := sha256.New()
		if n.Mode.IsRegular() && n.Open != nil {
			f, err := n.Open()
			if err != nil {
				return nil, fmt.Errorf("%q: %w", name, err)
			}
			size, err := io.Copy(sum, f)
			f.Close()
			if err != nil || size != n.Size {
				return nil, fmt.Errorf("%q: %d bytes of %d: %w", name, size, n.Size, err)
			}
		}
		var xattrs []string
		for _, x := range slices.Sorted(maps.Keys(n.Xattrs)) {
			xattrs = append(xattrs, fmt.Sprintf("%q=%x", x, n.Xattrs[x]))
		}
		size, mode := n.Size, n.Mode
		if !mode.IsRegular() {
			size = 0
		}
		if mode.Type() == fs.ModeSymlink {
			mode = fs.ModeSymlink | 0o777 // what it says does nothing, and nobody can set it
		}
		lines = append(lines, fmt.Sprintf("%q %v %d:%d %d %d %x %q %d %v", name, mode, n.UID, n.GID, n.ModTime, size, sum.Sum(nil)[:6], n.Target, n.Device, xattrs))
	}
	slices.Sort(lines)
	return lines, nil
}

// listDir lists the files below a folder, each looked up by its name: where a
// reader has an index of names, it is used.
func listDir(dir string) ([]string, error) {
	root, err := tree.FromDir(dir, tree.DirOptions{Xattr: func(string) bool { return true }})
	if err != nil {
		return nil, err
	}
	return listing(root)
}

func kernelReads(t *testing.T, file string) ([]string, error) {
	return mounted(t, []string{"mount", "-t", "squashfs", "-o", "ro,loop", file}, "umount")
}

func squashfuseReads(t *testing.T, file string) ([]string, error) {
	return mounted(t, []string{"squashfuse", file}, "fusermount3", "-u")
}

func mounted(t *testing.T, mount []string, unmount ...string) ([]string, error) {
	dir := t.TempDir()
	if out, err := exec.Command(mount[0], append(mount[1:], dir)...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	defer func() {
		if out, err := exec.Command(unmount[0], append(unmount[1:], dir)...).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}()
	return listDir(dir)
}

func unsquashfsReads(t *testing.T, file string) ([]string, error) {
	dir := filepath.Join(t.TempDir(), "x")
	if out, err := exec.Command("unsquashfs", "-q", "-n", "-d", dir, file).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %.300s", err, out)
	}
	defer os.RemoveAll(dir)
	return listDir(dir)
}
