package repro_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/cli"
)

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
