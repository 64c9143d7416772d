package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/archive"
)

// tarOf makes a tar archive of what headers and contents say.
func tarOf(t testing.TB, files map[string]string, change func(*tar.Header)) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, content := range files {
		h := &tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644}
		if change != nil {
			change(h)
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipOf(t testing.TB, files map[string]string, method uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range files {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// below puts files into a folder.
func below(dir string, files map[string]string) map[string]string {
	out := map[string]string{}
	for name, content := range files {
		out[dir+name] = content
	}
	return out
}

// crate is a crate alone, with its manifest.
func crate() map[string]string {
	files := map[string]string{"repro.yaml": "x", "ro-crate-metadata.json": "x", "ro-crate-preview.html": "x"}
	list := ""
	for name, content := range files {
		list += fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(content)), name)
	}
	files["manifest-sha256.txt"] = list
	return files
}

func verifyBytes(t testing.TB, content []byte) (*archive.VerifyReport, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "packed")
	if err := os.WriteFile(name, content, 0o666); err != nil {
		t.Fatal(err)
	}
	return archive.Verify(t.Context(), name, archive.VerifyOptions{Unsigned: true})
}

func with(files map[string]string, name, content string) map[string]string {
	files[name] = content
	return files
}

// TestPacked reads what archives of bags and crates look like, made here or by
// the programs of others.
func TestPacked(t *testing.T) {
	for name, content := range map[string][]byte{
		"tar":                 tarOf(t, below("paper/", bag()), nil),
		"tar made of .":       tarOf(t, below("./", bag()), nil),
		"zip of the folder":   zipOf(t, below("paper/", bag()), zip.Deflate),
		"zip of what's in it": zipOf(t, bag(), zip.Store),
		"crate":               zipOf(t, crate(), zip.Store),
		"crate in a folder":   zipOf(t, below("x/", crate()), zip.Deflate),
	} {
		t.Run(name, func(t *testing.T) {
			if report, err := verifyBytes(t, content); err != nil || report.Verdict != archive.DepositComplete {
				t.Errorf("%v, %+v", err, report)
			}
		})
	}
	if report, err := archive.Verify(t.Context(), folder(t, crate()), archive.VerifyOptions{Unsigned: true}); err != nil || report.Files != 3 {
		t.Errorf("unpacked crate: %v, %+v", err, report)
	}
}

// TestPackedHostile has one thing wrong with each archive.
func TestPackedHostile(t *testing.T) {
	well := below("paper/", bag())
	link := func(kind byte) []byte {
		return tarOf(t, well, func(h *tar.Header) {
			if strings.HasSuffix(h.Name, "repro.yaml") {
				h.Typeflag, h.Linkname, h.Size = kind, "/etc/passwd", 0
			}
		})
	}
	// The directory says that there are 2^40 bytes in a file of one.
	lying := bytes.Replace(zipOf(t, map[string]string{"bagit.txt": "x"}, zip.Deflate), []byte("PK\x01\x02"), []byte("PK\x01\x02"), 1)
	at := bytes.LastIndex(lying, []byte("PK\x01\x02"))
	copy(lying[at+20:], "\xff\xff\xff\x7f")
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"climbs":          {tarOf(t, below("paper/../../", bag()), nil), "not a path within an archive"},
		"absolute":        {tarOf(t, below("/paper/", bag()), nil), "not a path within an archive"},
		"zip climbs":      {zipOf(t, below("paper/../../", bag()), zip.Store), "not a path within an archive"},
		"backslash":       {zipOf(t, with(bag(), `data\x`, "x"), zip.Store), "not a path within an archive"},
		"symbolic link":   {link(tar.TypeSymlink), "not a regular file"},
		"hard link":       {link(tar.TypeLink), "not a regular file"},
		"device":          {link(tar.TypeChar), "not a regular file"},
		"two folders":     {tarOf(t, with(below("paper/", bag()), "other/x", "x"), nil), "outside of the bag's folder"},
		"twice":           {append(bytes.TrimRight(tarOf(t, well, nil), "\x00"), tarOf(t, well, nil)...), "twice"},
		"cut off":         {tarOf(t, map[string]string{"paper/data/x": strings.Repeat("x", 4096)}, nil)[:2048], "said to be there"},
		"long name":       {tarOf(t, map[string]string{"paper/" + strings.Repeat("x", 5000): "x"}, nil), "a name of more than"},
		"lying directory": {lying, "more is said to be in the archive"},
		"gzip":            {[]byte("\x1f\x8b\x08\x00"), "is compressed (gzip)"},
		"empty":           {nil, "not a bag"},
		"crate unsealed":  {zipOf(t, map[string]string{"ro-crate-metadata.json": "{}"}, zip.Store), "there is none"},
		"crate extra":     {zipOf(t, with(crate(), "x", "x"), zip.Store), "1 extra"},
		"crate changed":   {zipOf(t, with(crate(), "repro.yaml", "y"), zip.Store), "1 changed"},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := verifyBytes(t, c.content)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, %+v; want %q", err, report, c.want)
			}
			if c.want != "is compressed (gzip)" && !errors.Is(err, archive.ErrDamaged) {
				t.Errorf("not an ErrDamaged: %v", err)
			}
		})
	}
}

// TestInventory changes what lies around the bag in an OCFL object.
func TestInventory(t *testing.T) {
	object := below("v1/content/", bag())
	object["0=ocfl_object_1.1"] = "ocfl_object_1.1\n"
	for name, c := range map[string]struct{ inventory, sidecar, want string }{
		"no inventory":  {"", "", "inventory.json"},
		"wrong sidecar": {"{}", "00 inventory.json", "is not what inventory.json.sha512"},
	} {
		object["inventory.json"], object["inventory.json.sha512"] = c.inventory, c.sidecar
		if report, err := archive.Verify(t.Context(), folder(t, object), archive.VerifyOptions{Unsigned: true}); !errors.Is(err, archive.ErrDamaged) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %+v", name, err, report)
		}
	}
}

// FuzzVerify reads archives that may hold anything: tar and zip, bag and crate.
func FuzzVerify(f *testing.F) {
	f.Add(tarOf(f, below("bag/", bag()), nil))
	f.Add(zipOf(f, bag(), zip.Deflate))
	f.Add(zipOf(f, crate(), zip.Store))
	f.Add([]byte("x"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		name := filepath.Join(dir, "bag")
		if err := os.WriteFile(name, content, 0o666); err != nil {
			t.Fatal(err)
		}
		report, err := archive.Verify(t.Context(), name, archive.VerifyOptions{})
		if err == nil || report != nil && report.Verdict == archive.DepositComplete {
			t.Fatal("nobody was asked for, and yet it passes")
		}
	})
}

// FuzzTagFiles reads a bag whose tag files may hold anything. What passes is
// complete: each file listed, intact, none beside.
func FuzzTagFiles(f *testing.F) {
	well := bag()
	f.Add(well["manifest-sha256.txt"], "https://example.org/x 1 data/x\n", well["bag-info.txt"], well["bagit.txt"])
	f.Add("", "- - data/%0A%25\n", "Payload-Oxum: 1.1\n", "BagIt-Version: 0.97\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, manifest, fetch, info, declaration string) {
		files := bag()
		files["manifest-sha256.txt"], files["fetch.txt"], files["bag-info.txt"], files["bagit.txt"] = manifest, fetch, info, declaration
		delete(files, "tagmanifest-sha256.txt")
		tags := ""
		for name, content := range files {
			if !strings.HasPrefix(name, "data/") {
				tags += fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(content)), name)
			}
		}
		files["tagmanifest-sha256.txt"] = tags
		name := filepath.Join(dir, "bag.tar")
		if err := os.WriteFile(name, tarOf(t, below("bag/", files), nil), 0o666); err != nil {
			t.Fatal(err)
		}
		report, err := archive.Verify(t.Context(), name, archive.VerifyOptions{Unsigned: true})
		if err == nil && (report.Intact+len(report.Fetch) != report.Files || len(report.Missing)+len(report.Extra)+len(report.Changed)+len(report.Problems) > 0) {
			t.Fatalf("passes: %+v", report)
		}
		if err != nil && report != nil && report.Verdict == archive.DepositComplete {
			t.Fatalf("complete, but %v", err)
		}
	})
}
