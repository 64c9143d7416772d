package repro_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"repro/format/squashfs"
	"repro/format/tree"
)

const vectors = "testdata/vectors"

// reader is testdata/reader, the second implementation of SPEC.md.
type reader struct {
	in  io.Writer
	out *bufio.Scanner
}

// answer is what it prints, as far as the tests look at it.
type answer struct {
	Verdict    string
	Clause     string
	Reason     string
	ContentID  string `json:"contentId"`
	Content    string
	Error      string
	Signatures []blockStatus
}

type blockStatus struct{ Status, Clause, Fingerprint string }

func startReader(t *testing.T) *reader {
	t.Helper()
	python := ""
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(p, "-c", "import zstandard").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		t.Skip("needs python3 with zstandard (Debian: python3-zstandard)")
	}
	for _, p := range []string{"gpg", "openssl"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip("needs " + p)
		}
	}
	cmd := exec.Command(python, "testdata/reader", "batch")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("reader: %v", err)
		}
	})
	r := &reader{in, bufio.NewScanner(out)}
	r.out.Buffer(nil, 64<<20)
	return r
}

// ask runs one command of the reader, takes in what it printed, and returns
// its exit status.
func (r *reader) ask(t *testing.T, printed any, args ...string) int {
	t.Helper()
	line, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(r.in, "%s\n", line); err != nil {
		t.Fatal(err)
	}
	if !r.out.Scan() {
		t.Fatalf("%q: no answer: %v", args, r.out.Err())
	}
	exit := -1
	if err := json.Unmarshal(r.out.Bytes(), &[]any{&exit, printed}); err != nil {
		t.Fatalf("%q: %v in %.200s", args, err, r.out.Bytes())
	}
	return exit
}

// unpacked writes what a .gz file holds to a file of its own.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, b)
}

func written(t *testing.T, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func readVectors(t *testing.T, folder string, into any) string {
	t.Helper()
	dir := filepath.Join(vectors, folder)
	b, err := os.ReadFile(filepath.Join(dir, "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReaderOfImages(t *testing.T) {
	r := startReader(t)
	var list struct {
		Valid   struct{ Name, ContentID string }
		Vectors []struct{ Name, Refuse, Clause string }
	}
	dir := readVectors(t, "image", &list)
	var got answer
	if exit := r.ask(t, &got, "check", unpacked(t, filepath.Join(dir, list.Valid.Name+".sif.gz"))); exit != 0 || got.ContentID != list.Valid.ContentID {
		t.Errorf("%s: exit status %d, %+v; want content id %s", list.Valid.Name, exit, got, list.Valid.ContentID)
	}
	if len(list.Vectors) < 100 {
		t.Errorf("only %d vectors", len(list.Vectors))
	}
	for _, v := range list.Vectors {
		var got answer
		exit := r.ask(t, &got, "check", unpacked(t, filepath.Join(dir, v.Name+".sif.gz")))
		if exit != 4 || got.Verdict != v.Refuse || got.Clause != v.Clause {
			t.Errorf("%s: %q by %s, exit status %d (%s); want %q by %s", v.Name, got.Verdict, got.Clause, exit, got.Reason, v.Refuse, v.Clause)
		}
	}
}

func TestReaderOfAttacks(t *testing.T) {
	r := startReader(t)
	var list []struct {
		File, Did, Now, Verdict string
		Keys, Detached          []string
		Foreign                 bool
		Exit                    int
	}
	dir := readVectors(t, "attack", &list)
	signed := 0
	for _, v := range list {
		args := []string{"verify", unpacked(t, filepath.Join(dir, v.File)), "--now", v.Now}
		for _, k := range v.Keys {
			args = append(args, "--key", filepath.Join(dir, k))
		}
		for _, s := range v.Detached {
			args = append(args, "--signature", filepath.Join(dir, s))
		}
		if v.Foreign {
			args = append(args, "--foreign")
		}
		var got answer
		if exit := r.ask(t, &got, args...); exit != v.Exit || got.Verdict != v.Verdict {
			t.Errorf("%s (%s): %q by %s, exit status %d (%s); want %q, %d", v.File, v.Did, got.Verdict, got.Clause, exit, got.Reason, v.Verdict, v.Exit)
		}
		if got.Verdict == "signed" {
			signed++
		}
	}
	if signed < 3 || len(list) < 70 {
		t.Errorf("%d of %d vectors are signed", signed, len(list))
	}
}

func TestReaderOfSignatures(t *testing.T) {
	r := startReader(t)
	var list []struct{ Name, Key, Now, Status, Clause string }
	dir := readVectors(t, "signature", &list)
	if len(list) < 70 {
		t.Errorf("only %d vectors", len(list))
	}
	for _, v := range list {
		var got []blockStatus
		exit := r.ask(t, &got, "block", filepath.Join(dir, v.Name+".block"),
			"--payload", filepath.Join(dir, "payload"), "--key", filepath.Join(dir, v.Key), "--now", v.Now)
		if exit != 0 || len(got) == 0 || got[0].Status != v.Status {
			t.Errorf("%s: %+v; want %q", v.Name, got, v.Status)
		} else if v.Status == "malformed" && got[0].Clause != v.Clause {
			t.Errorf("%s: by %s; want %s", v.Name, got[0].Clause, v.Clause)
		}
	}
}

func TestReaderOfLayers(t *testing.T) {
	r := startReader(t)
	var list []struct {
		Name, Defect string
		Verification bool // what only verification refuses
	}
	dir := readVectors(t, "squashfs", &list)
	if len(list) < 80 {
		t.Errorf("only %d vectors", len(list))
	}
	for _, v := range list {
		var got answer
		file := filepath.Join(dir, v.Name+".squashfs")
		exit := r.ask(t, &got, "squashfs", file)
		if v.Verification && v.Name != "compression-lz4" { // which it does not read
			if exit != 0 {
				t.Errorf("%s (%s): read: exit status %d, %+v", v.Name, v.Defect, exit, got)
			}
			exit = r.ask(t, &got, "squashfs", "--meaning", file)
		}
		if by := got.Clause >= "SQ-41" && got.Clause <= "SQ-46"; exit != 4 || by != (v.Verification && v.Name != "compression-lz4") || !by && got.Clause != "SQ-19" {
			t.Errorf("%s (%s): exit status %d, %+v; want it refused by SQ-19, or SQ-41 to SQ-46", v.Name, v.Defect, exit, got)
		}
	}
	valid := filepath.Join(dir, "valid.squashfs")
	f, err := os.Open(valid)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	layer, err := squashfs.NewReader(f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	root, err := layer.Tree()
	if err != nil {
		t.Fatal(err)
	}
	sameContent(t, r, root, valid)
	var got answer
	if exit := r.ask(t, &got, "squashfs", "--meaning", filepath.Join(dir, "valid-index.squashfs"), valid); exit != 0 || got.Content == "" {
		t.Errorf("valid-index: exit status %d, %+v", exit, got)
	}
}

// TestReaderOfWrittenLayers reads the layers that a writer of them must write.
func TestReaderOfWrittenLayers(t *testing.T) {
	r := startReader(t)
	trees, err := filepath.Glob(filepath.Join(vectors, "layer", "*.json"))
	if err != nil || len(trees) < 5 {
		t.Fatalf("%d trees: %v", len(trees), err)
	}
	for _, name := range trees {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var want, got answer
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		if exit := r.ask(t, &got, "squashfs", strings.TrimSuffix(name, ".json")+".layer"); exit != 0 || got.Content == "" || got.Content != want.Content {
			t.Errorf("%s: exit status %d, %+v; want content %s", name, exit, got, want.Content)
		}
	}
}

// sameContent checks that the reader finds in files what root is.
func sameContent(t *testing.T, r *reader, root *tree.Node, files ...string) {
	t.Helper()
	want, err := tree.Digest(root, tree.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	var got answer
	exit := r.ask(t, &got, append([]string{"squashfs"}, files...)...)
	if exit != 0 || got.Content != fmt.Sprintf("sha256:%x", want) {
		t.Errorf("exit status %d, %+v; want content sha256:%x", exit, got, want)
	}
}

// TestReaderOfUnions: whiteouts, opaque directories, devices and attributes,
// which no image of a recipe has, and all codecs.
func TestReaderOfUnions(t *testing.T) {
	r := startReader(t)
	for _, codec := range []string{"zstd", "zstd-small", "gzip", "none"} {
		lower, upper := unionLayers(t)
		var files []string
		for _, root := range []*tree.Node{lower, upper} {
			f, err := os.Create(filepath.Join(t.TempDir(), "layer"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := squashfs.Write(context.Background(), f, root, squashfs.Options{Codec: codec, BlockSize: 4096, ModTime: 7}); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			files = append(files, f.Name())
		}
		sameContent(t, r, lower, files[0])
		sameContent(t, r, upper, files[1])
		sameContent(t, r, tree.Union(lower, upper), files...)
	}
}

func unionLayers(t *testing.T) (lower, upper *tree.Node) {
	t.Helper()
	put := func(root *tree.Node, name string, n *tree.Node) *tree.Node {
		if err := root.Put(name, n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	lower, upper = tree.NewDir(), tree.NewDir()
	put(lower, "kept", tree.NewFile(0o644, []byte(strings.Repeat("kept ", 5000))))
	put(lower, "removed", tree.NewFile(0o644, []byte("x")))
	put(lower, "replaced/by/a-file", tree.NewFile(0o600, nil))
	put(lower, "merged/below", tree.NewFile(0o4755, make([]byte, 3*4096+1))) // blocks of zeros
	put(lower, "merged/hidden", tree.NewFile(0o644, []byte("below")))
	put(lower, "opaque/below", tree.NewFile(0o644, []byte("below")))
	put(lower, "tape", &tree.Node{Mode: fs.ModeDevice | fs.ModeCharDevice | 0o620, Device: tree.EncodeDevice(9, 300), UID: 70000, GID: 5})
	hard := put(lower, "names/a", tree.NewFile(0o644, []byte("one file")))
	hard.Xattrs = map[string][]byte{"user.one": []byte("1"), "security.two": {0, 255}, "trusted.three": nil}
	put(lower, "names/b", hard)
	for i := range 600 { // several headers and metadata blocks
		put(lower, fmt.Sprintf("many/%s-%03d", strings.Repeat("n", 60), i), tree.NewSymlink(fmt.Sprint("../target/", i)))
	}
	put(upper, "removed", tree.NewWhiteout())
	put(upper, "replaced", tree.NewFile(0o644, []byte("file")))
	put(upper, "merged/above", tree.NewSymlink("below"))
	put(upper, "merged/hidden", tree.NewFile(0o644, []byte("above")))
	put(upper, "opaque/above", tree.NewFile(0o644, []byte("above")))
	put(upper, "opaque/never-there", tree.NewWhiteout())
	put(upper, "new/inner/never-there", tree.NewWhiteout())
	upper.Entries["opaque"].Xattrs = map[string][]byte{tree.OpaqueXattr: []byte("y"), "user.kept": []byte("k")}
	return lower, upper
}
