package archive_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/archive"
)

// bag is the least that Verify calls a deposit, but for the image.
func bag() map[string]string {
	const a = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  " // of "x"
	files := map[string]string{
		"bagit.txt":                   "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
		"bag-info.txt":                "x",
		"START-HERE.html":             "x",
		"manifest-sha256.txt":         a + "data/repro.yaml\n" + a + "data/ro-crate-metadata.json\n" + a + "data/ro-crate-preview.html\n",
		"data/repro.yaml":             "x",
		"data/ro-crate-metadata.json": "x",
		"data/ro-crate-preview.html":  "x",
	}
	tags := ""
	for name, content := range files {
		if !strings.HasPrefix(name, "data/") {
			tags += fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(content)), name)
		}
	}
	files["tagmanifest-sha256.txt"] = tags
	return files
}

// TestWell holds the bag of the tests below itself to be well.
func TestWell(t *testing.T) {
	report, err := archive.Verify(t.Context(), folder(t, bag()), archive.VerifyOptions{Unsigned: true})
	if err != nil || report.Verdict != archive.DepositComplete || report.Intact != 7 {
		t.Errorf("%v, %+v", err, report)
	}
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestVerify changes one thing in a bag that is well.
func TestVerify(t *testing.T) {
	for name, c := range map[string]struct {
		change func(map[string]string)
		want   func(*archive.VerifyReport) []string
		text   string
	}{
		"changed":      {func(f map[string]string) { f["data/repro.yaml"] = "y" }, changed, "data/repro.yaml"},
		"missing":      {func(f map[string]string) { delete(f, "data/repro.yaml") }, missing, "data/repro.yaml"},
		"extra":        {func(f map[string]string) { f["data/y"] = "y" }, extra, "data/y"},
		"tag changed":  {func(f map[string]string) { f["START-HERE.html"] = "<script>" }, changed, "START-HERE.html"},
		"declaration":  {func(f map[string]string) { f["bagit.txt"] = "BagIt-Version: 0.97\n" }, problems, "bagit.txt"},
		"no bag":       {func(f map[string]string) { delete(f, "bagit.txt") }, problems, "not a bag"},
		"no manifest":  {func(f map[string]string) { delete(f, "manifest-sha256.txt") }, problems, "no manifest"},
		"weak":         {func(f map[string]string) { f["manifest-md5.txt"] = "" }, problems, "sha256 or sha512"},
		"climbs":       {func(f map[string]string) { f["manifest-sha256.txt"] += strings.Repeat("0", 64) + "  data/../../x\n" }, problems, "within the bag"},
		"absolute":     {func(f map[string]string) { f["manifest-sha256.txt"] += strings.Repeat("0", 64) + "  /etc/passwd\n" }, problems, "within the bag"},
		"twice":        {func(f map[string]string) { f["manifest-sha256.txt"] += f["manifest-sha256.txt"] }, problems, "twice"},
		"wrong length": {func(f map[string]string) { f["manifest-sha256.txt"] += "00  data/x\n" }, problems, "within the bag"},
		"misplaced":    {func(f map[string]string) { f["manifest-sha256.txt"] += strings.Repeat("0", 64) + "  START-HERE.html\n" }, problems, "belong"},
		"fetch":        {func(f map[string]string) { f["fetch.txt"] = "https://example.org - data/nowhere\n" }, problems, "fetch.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			files := bag()
			c.change(files)
			report, err := archive.Verify(t.Context(), folder(t, files), archive.VerifyOptions{Unsigned: true})
			if !errors.Is(err, archive.ErrDamaged) || report == nil {
				t.Fatalf("%v, %+v", err, report)
			}
			if got := c.want(report); !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, c.text) }) {
				t.Errorf("%+v", report)
			}
		})
	}
}

func changed(r *archive.VerifyReport) []string  { return r.Changed }
func missing(r *archive.VerifyReport) []string  { return r.Missing }
func extra(r *archive.VerifyReport) []string    { return r.Extra }
func problems(r *archive.VerifyReport) []string { return r.Problems }

// TestLink does not follow a link out of the bag.
func TestLink(t *testing.T) {
	dir := folder(t, bag())
	if err := os.Remove(filepath.Join(dir, "data/repro.yaml")); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(outside, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "data/repro.yaml")); err != nil {
		t.Skipf("needs symbolic links: %v", err)
	}
	if _, err := archive.Verify(t.Context(), dir, archive.VerifyOptions{Unsigned: true}); err == nil {
		t.Error("followed a link")
	}
}
