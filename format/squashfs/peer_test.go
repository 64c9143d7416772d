package squashfs_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"repro/format/squashfs"
	"repro/format/tree"
)

func TestUnsquashfsExtracts(t *testing.T) {
	unsquashfs := program(t, "unsquashfs")
	needRoot(t)
	root := full(t)
	eachCodec(t, func(t *testing.T, codec string) {
		m, _ := write(t, root, squashfs.Options{Codec: codec})
		dir := filepath.Join(t.TempDir(), "x")
		command(t, unsquashfs, "-q", "-n", "-d", dir, save(t, m))
		equalTrees(t, fromDir(t, dir), root)
	})
}

func TestUnsquashfsLists(t *testing.T) {
	unsquashfs := program(t, "unsquashfs")
	m, _ := write(t, full(t), squashfs.Options{ModTime: 1_700_000_000})
	file := save(t, m)
	out := string(command(t, unsquashfs, "-lln", file))
	for _, line := range []string{
		"crw-rw-rw- 0/0               1,  3 1970-01-01 00:00 squashfs-root/dev/null",
		"prw--w---- 0/0                   0 2023-11-14 22:13 squashfs-root/fifo",
		"-rwsr-sr-x 0/0                  12 2023-11-14 22:13 squashfs-root/setuid",
		"drwxr-xr-t 0/0                   3 2020-09-13 12:26 squashfs-root/empty-dir",
		"lrwxrwxrwx 0/0                   8 2023-11-14 22:13 squashfs-root/links/symbolic -> ../small",
		"-rw-r--r-- 4000000000/1000                0 1970-01-01 00:00 squashfs-root/ids/b",
	} {
		fields := strings.Fields(line)
		if !containsFields(out, fields) {
			t.Errorf("unsquashfs -lln does not list %q", line)
		}
	}
	super := string(command(t, unsquashfs, "-s", file))
	for _, line := range []string{"Compression zstd", "compression-level 2", "Block size 524288",
		"Filesystem is exportable via NFS", "Always-use-fragments option is specified", "Duplicates are removed",
		"Creation or last append time Tue Nov 14 22:13:20 2023"} {
		if !strings.Contains(super, line) {
			t.Errorf("unsquashfs -s unread %q:\n%s", line, super)
		}
	}
}

// containsFields looks for a line of text with the given fields.
func containsFields(text string, fields []string) bool {
	for line := range strings.Lines(text) {
		if strings.Join(strings.Fields(line), " ") == strings.Join(fields, " ") {
			return true
		}
	}
	return false
}

func TestKernelMounts(t *testing.T) {
	needRoot(t)
	program(t, "mount")
	root := full(t)
	sizes := []int{128 << 10}
	if os.Getenv("REPRO_TEST_LONG") != "" {
		sizes = []int{4 << 10, 128 << 10, 1 << 20}
	}
	eachCodec(t, func(t *testing.T, codec string) {
		for _, size := range sizes {
			m, _ := write(t, root, squashfs.Options{Codec: codec, BlockSize: size})
			dir := kernelMount(t, save(t, m))
			equalTrees(t, fromDir(t, dir), root)
			checkHoles(t, filepath.Join(dir, "holes/only"))
		}
	})
}

func kernelMount(t *testing.T, file string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "squashfs", "-o", "ro,loop", file, dir).CombinedOutput(); err != nil {
		if bytes.Contains(out, []byte("unknown filesystem")) || bytes.Contains(out, []byte("loop device")) {
			t.Skipf("needs a kernel that mounts squashfs: %s", out)
		}
		t.Fatalf("mount: %s", out)
	}
	t.Cleanup(func() { command(t, "umount", dir) })
	return dir
}

func checkHoles(t *testing.T, file string) {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(file, &st); err != nil {
		t.Fatal(err)
	}
	if st.Blocks > 1 {
		t.Errorf("%s: a file of holes takes %d sectors", file, st.Blocks)
	}
}

func TestSquashfuseMounts(t *testing.T) {
	squashfuse := program(t, "squashfuse")
	program(t, "fusermount3")
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skipf("needs /dev/fuse")
	}
	root := sample(t)
	// squashfuse gives each name of a file an inode number of its own.
	for _, name := range []string{"links/second", "elsewhere/third"} {
		n := *root.Lookup(name)
		if err := root.Put(name, &n); err != nil {
			t.Fatal(err)
		}
	}
	for _, codec := range []string{"zstd", "gzip"} {
		m, _ := write(t, root, squashfs.Options{Codec: codec})
		dir := t.TempDir()
		if out, err := exec.Command(squashfuse, save(t, m), dir).CombinedOutput(); err != nil {
			t.Skipf("needs a squashfuse that mounts: %s", out)
		}
		text := describe(t, fromDir(t, dir))
		command(t, "fusermount3", "-u", "-z", dir)
		if os.Getuid() != 0 {
			continue // squashfuse then shows the user as owner
		}
		equalText(t, text, describe(t, root))
	}
}

func TestSqfs2tarReads(t *testing.T) {
	sqfs2tar := program(t, "sqfs2tar")
	root := full(t)
	eachCodec(t, func(t *testing.T, codec string) {
		m, _ := write(t, root, squashfs.Options{Codec: codec})
		out := command(t, sqfs2tar, "-r", ".", save(t, m))
		got, err := tree.FromTar(bytes.NewReader(out), int64(len(out)), tree.TarOptions{Xattr: func(string) bool { return true }})
		if err != nil {
			t.Fatal(err)
		}
		equalTrees(t, got, root)
	})
}

func TestRdsquashfsReads(t *testing.T) {
	rdsquashfs := program(t, "rdsquashfs")
	m, _ := write(t, full(t), squashfs.Options{})
	file := save(t, m)
	if got := command(t, rdsquashfs, "-c", "text/one", file); !bytes.Equal(got, words(1, 700_001)) {
		t.Errorf("text/one: %d bytes differ", len(got))
	}
	if out := command(t, rdsquashfs, "-l", "many", file); strings.Count(string(out), "\n") != 3000 {
		t.Errorf("many: %d entries", strings.Count(string(out), "\n"))
	}
}

// TestReadsMksquashfs reads what mksquashfs writes with each compressor.
func TestReadsMksquashfs(t *testing.T) {
	mksquashfs := program(t, "mksquashfs")
	src := filepath.Join(t.TempDir(), "src")
	if err := tree.Extract(t.Context(), sample(t), src, tree.ExtractOptions{}); err != nil {
		t.Fatal(err)
	}
	want := fromDir(t, src)
	for _, args := range []string{
		"-comp gzip", "-comp lzo", "-comp lz4", "-comp xz", "-comp zstd", "-comp lzma",
		"-comp lzo -Xalgorithm lzo1x_1", "-comp lz4 -Xhc", "-comp gzip -b 4K", "-comp xz -b 1M",
		"-noI -noD -noF -noX", "-no-fragments", "-always-use-fragments", "-no-exports -no-duplicates -no-sparse",
	} {
		t.Run(args, func(t *testing.T) {
			if !mksquashfsHas(t, args) {
				t.Skipf("needs a mksquashfs with %s", args)
			}
			file := filepath.Join(t.TempDir(), "m.squashfs")
			command(t, mksquashfs, append([]string{src, file, "-quiet", "-no-progress"}, strings.Fields(args)...)...)
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := open(t, &image{b}).Tree()
			if err != nil {
				t.Fatal(err)
			}
			equalTrees(t, got, want)
		})
	}
}

func mksquashfsHas(t *testing.T, args string) bool {
	t.Helper()
	_, comp, ok := strings.Cut(args, "-comp ")
	if !ok {
		return true
	}
	comp, _, _ = strings.Cut(comp, " ")
	out, _ := exec.Command("mksquashfs", "-help").CombinedOutput()
	return bytes.Contains(out, []byte("\t"+comp))
}

func TestReadsXattrsOfMksquashfs(t *testing.T) {
	mksquashfs := program(t, "mksquashfs")
	needRoot(t)
	src := filepath.Join(t.TempDir(), "src")
	root := full(t)
	root.Lookup("small").Xattrs["user.long"] = bytes.Repeat([]byte("long"), 100)
	root.Lookup("text/one").Xattrs = map[string][]byte{"user.long": bytes.Repeat([]byte("long"), 100)} // out of line
	err := tree.Extract(t.Context(), root, src, tree.ExtractOptions{Owners: true, Devices: true, Xattrs: true,
		Skipped: func(name string, _ *tree.Node, why error) { t.Errorf("%s: %v", name, why) }})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "m.squashfs")
	command(t, mksquashfs, src, file, "-quiet", "-no-progress")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := open(t, &image{b}).Tree()
	if err != nil {
		t.Fatal(err)
	}
	equalTrees(t, got, root)
}

// TestBigDirectory has the peers find names through a directory's index.
func TestBigDirectory(t *testing.T) {
	const entries = 70_000
	root := tree.NewDir()
	dir, err := root.MkdirAll("d")
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		dir.Entries[fmt.Sprintf("entry-%07d-%s", i*7, strings.Repeat("x", i%200))] = &tree.Node{Mode: 0o644, ModTime: int64(i)}
	}
	m, _ := write(t, root, squashfs.Options{})
	r := open(t, m)
	start := time.Now()
	got, err := r.Tree()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("read %d entries in %v", entries, time.Since(start))
	equalTrees(t, got, root)
	names := dir.Names()
	for i := 0; i < entries; i += 5000 {
		if _, err := r.Stat("d/" + names[i]); err != nil {
			t.Error(err)
		}
	}
	if os.Getuid() != 0 {
		t.Skipf("needs root for the kernel's part")
	}
	mounted := kernelMount(t, save(t, m))
	for i := 0; i < entries; i += 501 {
		info, err := os.Lstat(filepath.Join(mounted, "d", names[i]))
		if err != nil {
			t.Fatal(err)
		}
		if info.ModTime().Unix() != dir.Entries[names[i]].ModTime {
			t.Fatalf("%s is another file", names[i])
		}
	}
	if _, err := os.Lstat(filepath.Join(mounted, "d", "entry-0000001-x")); err == nil {
		t.Error("the kernel finds a name that is not there")
	}
	list, err := os.ReadDir(filepath.Join(mounted, "d"))
	if err != nil || len(list) != entries {
		t.Errorf("the kernel lists %d entries: %v", len(list), err)
	}
}
