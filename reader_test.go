package repro_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"repro/cli"
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
	var list []struct{ Name, Defect string }
	dir := readVectors(t, "squashfs", &list)
	if len(list) < 80 {
		t.Errorf("only %d vectors", len(list))
	}
	for _, v := range list {
		var got answer
		if exit := r.ask(t, &got, "squashfs", filepath.Join(dir, v.Name+".squashfs")); exit != 4 || got.Clause != "SQ-19" {
			t.Errorf("%s (%s): exit status %d, %+v; want it refused by SQ-19", v.Name, v.Defect, exit, got)
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

// repro runs the program itself and returns what it printed.
func repro(t *testing.T, exit int, args ...string) []byte {
	t.Helper()
	var stdout, stderr strings.Builder
	if got := cli.Main(append([]string{"repro"}, args...), strings.NewReader(""), &stdout, &stderr); got != exit {
		t.Fatalf("repro %q: exit status %d, want %d: %s", args, got, exit, stderr.String())
	}
	return []byte(stdout.String())
}

// TestReaderOfBuiltImages: an image of each codec, signed by keys of each
// kind, is read by both programs with the same outcome.
func TestReaderOfBuiltImages(t *testing.T) {
	r := startReader(t)
	project := writeProject(t)
	dir := t.TempDir()
	for _, codec := range []string{"zstd", "zstd-small", "gzip", "none"} {
		name := filepath.Join(dir, codec+".sif")
		repro(t, 0, "build", project, "--codec", codec, "-o", name)
		var check answer
		if exit := r.ask(t, &check, "check", name); exit != 0 {
			t.Errorf("%s: exit status %d: %+v", codec, exit, check)
		}
		compareListings(t, r, name, "")
		compareListings(t, r, name, "published")
	}

	ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
	image := filepath.Join(dir, "zstd.sif")
	repro(t, 0, "extract", image, "-o", ours)
	if exit := r.ask(t, new(answer), "extract", image, "-o", theirs); exit != 0 {
		t.Fatalf("extract: exit status %d", exit)
	}
	if a, b := describe(t, ours), describe(t, theirs); a != b {
		t.Errorf("what is extracted differs:\n%s\n%s", a, b)
	}
	compareSigned(t, r, image)
	compareAltered(t, r, image)
}

// compareAltered changes a byte in the middle of every object, and asks both
// programs what that is.
func compareAltered(t *testing.T, r *reader, image string) {
	t.Helper()
	var about struct {
		Objects []struct {
			ID           int
			Name         string
			Offset, Size int64
		}
	}
	if err := json.Unmarshal(repro(t, 0, "inspect", "--json", image), &about); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, o := range about.Objects {
		if o.Size == 0 {
			continue
		}
		whole[o.Offset+o.Size/2] ^= 1
		altered := written(t, whole)
		whole[o.Offset+o.Size/2] ^= 1
		exit := 4
		if o.Name == "" { // a signature: without a key nobody signed
			exit = 3
		}
		var ours, theirs answer
		if err := json.Unmarshal(repro(t, exit, "verify", "--json", altered), &ours); err != nil {
			t.Fatal(err)
		}
		got := r.ask(t, &theirs, "verify", altered)
		if got != exit || theirs.Verdict != ours.Verdict {
			t.Errorf("object %d (%s) altered: the reader says %q (%s), exit status %d; repro says %q", o.ID, o.Name, theirs.Verdict, theirs.Reason, got, ours.Verdict)
		}
		kinds[theirs.Verdict]++
	}
	if kinds["malformed"] != 1 || kinds["altered"] < 5 || kinds["not signed"] < 2 {
		t.Errorf("verdicts: %v", kinds)
	}
}

// compareSigned signs an image with keys of all kinds and verifies it with
// both programs.
func compareSigned(t *testing.T, r *reader, image string) {
	t.Helper()
	var trust []string
	for _, kind := range []string{"ecdsa", "openpgp-rsa", "openpgp", "ed25519", "rsa"} {
		name := filepath.Join(t.TempDir(), kind)
		repro(t, 0, "key", "new", name, "--no-passphrase", "--type", kind)
		repro(t, 0, "sign", "--key", name+".key", image)
		if kind != "ed25519" { // whose signature is then by an unknown signer
			trust = append(trust, "--key", name+".pub")
		}
	}
	var want, got answer
	if err := json.Unmarshal(repro(t, 0, append([]string{"verify", "--json", image}, trust...)...), &want); err != nil {
		t.Fatal(err)
	}
	if exit := r.ask(t, &got, append([]string{"verify", image}, trust...)...); exit != 0 || got.Verdict != "signed" {
		t.Fatalf("verify: exit status %d, %+v", exit, got)
	}
	if got.ContentID != want.ContentID || len(want.Signatures) != 5 || len(got.Signatures) != 5 {
		t.Fatalf("verify: %+v; want %+v", got, want)
	}
	for i, w := range want.Signatures {
		g := got.Signatures[i]
		if g.Status != w.Status || g.Status == "valid" && g.Fingerprint != w.Fingerprint {
			t.Errorf("signature %d: %+v; want %+v", i+1, g, w)
		}
	}
}

// compareListings compares what both programs list of a layer, or of the union.
func compareListings(t *testing.T, r *reader, image, layer string) {
	t.Helper()
	type row struct {
		Path, Kind, Mode, Target string
		UID, GID                 uint32
		Size                     int64
	}
	var want struct{ Files []row }
	var got []row
	args := []string{"ls", "--json", image}
	ours := []string{"ls", "-lR", "--json", image}
	if layer != "" {
		args, ours = append(args, "--layer", layer), append(ours, "--layer", layer)
	}
	if err := json.Unmarshal(repro(t, 0, ours...), &want); err != nil {
		t.Fatal(err)
	}
	if exit := r.ask(t, &got, args...); exit != 0 {
		t.Fatalf("%q: exit status %d", args, exit)
	}
	if len(want.Files) < 2 || len(got) != len(want.Files)+1 {
		t.Fatalf("%q: %d files; want %d and the root", args, len(got), len(want.Files))
	}
	for i, w := range want.Files {
		if got[i+1] != w {
			t.Errorf("%q: %+v; want %+v", args, got[i+1], w)
		}
	}
}

// describe returns names, kinds, modes, times and contents below a folder.
func describe(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case d.Type() == fs.ModeSymlink:
			content, err = os.Readlink(name)
		case d.Type().IsRegular():
			var raw []byte
			raw, err = os.ReadFile(name)
			content = fmt.Sprintf("%x", sha256.Sum256(raw))
		}
		rel, _ := filepath.Rel(dir, name)
		fmt.Fprintln(&b, rel, st.Mode(), st.ModTime().Unix(), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const projectRecipe = `repro: 1
title: "Ünïcode, \"quotes\" & <angles>"
authors:
  - {name: Ada Lovelace, orcid: 0000-0002-1825-0097, email: ada@example.org}
date: 2024-02-29
keywords: [a, b]
environment: {rootfs: rootfs}
code: [run.sh]
data: ["data/**"]
steps:
  - name: one
    command: [/bin/sh, /paper/run.sh]
    inputs: ["data/*.csv"]
    outputs: [out]
    env: {A: "", B: "😀"}
    memory: 1 GB
    quick: {time: 1 m}
  - {name: two, command: echo, needs: [one], quick: skip}
results:
  - {name: r, output: out/r.txt, claim: It is 1.5, compare: {kind: text, relative: 1e-6, ignore: [x]}}
claims:
  - {name: c, value: "1.5", output: out/r.txt, pattern: "([0-9.]+)"}
`

// writeProject writes an experiment whose layers have what layers can have: a
// hash tree of two levels, fragments, blocks of zeros, links, long listings.
func writeProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, content []byte, mode fs.FileMode) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, mode); err != nil {
			t.Fatal(err)
		}
	}
	noise := make([]byte, 700_000)
	rand.NewChaCha8([32]byte{}).Read(noise)
	write("repro.yaml", []byte(projectRecipe), 0o644)
	write("run.sh", []byte("#!/bin/sh\necho 1.5 > /paper/out/r.txt\n"), 0o755)
	write("out/r.txt", []byte("1.5\n"), 0o644)
	write("rootfs/bin/sh", append([]byte("\x7fELF\x02\x01\x01"), elfOfAMD64()...), 0o755)
	write("rootfs/lib/noise", noise, 0o644)
	write("rootfs/lib/sparse", append(make([]byte, 1<<20), "end"...), 0o644)
	write("rootfs/lib/text.py", []byte(strings.Repeat("print(1)\n", 100_000)), 0o644)
	for i := range 400 {
		write(fmt.Sprintf("rootfs/many/%s%03d", strings.Repeat("long-name-", 8), i), []byte(strings.Repeat("line\n", i%60)), 0o644)
	}
	for i := range 5 {
		write(fmt.Sprintf("data/%d.csv", i), []byte(strings.Repeat("1,2\n", i)), 0o644)
	}
	for name, target := range map[string]string{"rootfs/lib/link": "../bin/sh", "rootfs/lib/ünïcode": "/nowhere"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "rootfs/bin/sh"), filepath.Join(dir, "rootfs/bin/hard")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// elfOfAMD64 is the rest of the header of an ELF program, so that build knows
// the architecture.
func elfOfAMD64() []byte {
	h := make([]byte, 57)
	h[9], h[11], h[13] = 2, 62, 1 // executable, x86-64, version
	h[45], h[47] = 64, 56
	return h
}
