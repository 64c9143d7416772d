package sbom_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"repro/build/sbom"
	"repro/format/tree"
)

// root makes a tree of files.
func root(t testing.TB, files map[string]string) *tree.Node {
	t.Helper()
	n := tree.NewDir()
	for name, content := range files {
		if err := n.Put(name, tree.NewFile(0o644, []byte(content))); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

var system = map[string]string{
	"etc/os-release":                "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
	"var/lib/dpkg/status":           "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc (2.36-8)\nVersion: 2.36-9+deb12u1\nDescription: the library\n longer\n\nPackage: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\nPackage: held\nStatus: hold ok installed\nArchitecture: all\nVersion: 1:2~3\n\nPackage: elsewhere\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n",
	"var/lib/dpkg/info/held.list":   "/.\n",
	"var/lib/dpkg/info/libc6.list":  "/.\n/lib\n/lib/libc.so.6\n/usr/share/doc/libc6/copyright\n",
	"lib/libc.so.6":                 "code",
	"usr/share/doc/libc6/copyright": "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: LGPL-2.1+\n text\n\nFiles: x\nLicense: GPL-2+ or Expat\n\nLicense: BSD-3-clause\n unused\n",
	"usr/local/bin/own":             "mine",

	"usr/lib/python3/dist-packages/Foo_Bar-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.2\nClassifier: License :: OSI Approved :: MIT License\n\nName: not this\n",
	"usr/lib/python3/dist-packages/Foo_Bar-1.2.dist-info/RECORD":   "foo/__init__.py,sha256=x,1\nFoo_Bar-1.2.dist-info/METADATA,,\nFoo_Bar-1.2.dist-info/RECORD,,\n",
	"usr/lib/python3/dist-packages/foo/__init__.py":                "",
	"usr/lib/R/library/MASS/DESCRIPTION":                           "Package: MASS\nVersion: 7.3-58.2\nLicense: GPL-2 | GPL-3\nBuilt: R 4.2.2\n",
	"usr/lib/R/library/MASS/Meta/package.rds":                      "x",
	"opt/conda/conda-meta/numpy-1.26.4-py312.json":                 `{"name":"numpy","version":"1.26.4","build":"py312","channel":"conda-forge","subdir":"linux-64","license":"BSD-3-Clause","files":["lib/n.py"]}`,
	"opt/conda/lib/n.py":                                           "",
	"opt/conda/conda-meta/broken.json":                             "{",
	"srv/node_modules/@a/b/package.json":                           `{"name":"@a/b","version":"1.0.0","license":"ISC"}`,
	"root/.julia/packages/Foo/AbCdE/Project.toml":                  "name = \"Foo\"\nuuid = \"7876af07-990d-54b4-ab0e-23690620f79a\"\nversion = \"0.5.4\"\n[deps]\nname = \"no\"\n",
}

func read(t testing.TB, files map[string]string) *sbom.Inventory {
	t.Helper()
	inv, err := sbom.Read(t.Context(), root(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func TestRead(t *testing.T) {
	inv := read(t, system)
	var got []string
	for _, p := range inv.Packages {
		got = append(got, p.URL(inv))
	}
	want := []string{
		"pkg:conda/numpy@1.26.4?build=py312&channel=conda-forge&subdir=linux-64",
		"pkg:cran/MASS@7.3-58.2",
		"pkg:deb/debian/held@1:2~3?arch=all&distro=debian-12",
		"pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12&upstream=glibc",
		"pkg:julia/Foo@0.5.4?uuid=7876af07-990d-54b4-ab0e-23690620f79a",
		"pkg:npm/%40a/b@1.0.0",
		"pkg:pypi/foo-bar@1.2",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	if inv.Unowned != 3 { // os-release, own, and the broken record
		t.Errorf("%d files without an owner", inv.Unowned)
	}
	if len(inv.Unread) != 1 || !strings.Contains(inv.Unread[0], "broken.json") {
		t.Errorf("unread: %q", inv.Unread)
	}
}

func TestAPK(t *testing.T) {
	inv := read(t, map[string]string{
		"etc/os-release":       "ID=alpine\nVERSION_ID=3.19.1\n",
		"lib/apk/db/installed": "C:Q1\nP:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\no:musl\nF:lib\nR:ld-musl.so.1\n\nP:busybox\nV:1.36\nA:x86_64\nL:GPL-2.0-only\n",
		"lib/ld-musl.so.1":     "x",
	})
	if len(inv.Packages) != 2 || inv.Packages[1].URL(inv) != "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.19.1" || inv.Unowned != 2 {
		t.Errorf("%+v", inv)
	}
}

// TestLicences maps what packages write to SPDX, and invents nothing.
func TestLicences(t *testing.T) {
	for name, want := range map[string]string{
		"MIT": "MIT", "Expat": "MIT", "GPL-2+": "GPL-2.0-or-later", "GPL-2+ or Expat": "GPL-2.0-or-later OR MIT",
		"GPL-2 | GPL-3": "GPL-2.0-only OR GPL-3.0-only", "MIT OR (Apache-2.0 AND ISC)": "MIT OR (Apache-2.0 AND ISC)",
		"public-domain": "LicenseRef-public-domain", "": "NOASSERTION",
	} {
		var doc struct {
			Packages []struct{ LicenseDeclared string }
		}
		inv := &sbom.Inventory{Packages: []sbom.Package{{Kind: sbom.Python, Name: "a", Version: "1", Licences: []string{name}}}}
		if err := json.Unmarshal(inv.SPDX(sbom.Subject{Name: "t", Date: "2026-01-02T00:00:00Z"}), &doc); err != nil {
			t.Fatal(err)
		}
		if got := doc.Packages[1].LicenseDeclared; got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// TestBytes tries to make two bills of one tree differ.
func TestBytes(t *testing.T) {
	s := sbom.Subject{Name: "t", Date: "2026-01-02T00:00:00Z"}
	first := read(t, system)
	for range 10 {
		again := read(t, system)
		if !bytes.Equal(again.SPDX(s), first.SPDX(s)) || !bytes.Equal(again.CycloneDX(s), first.CycloneDX(s)) {
			t.Fatal("two bills of one tree differ")
		}
	}
}

// TestDebian holds the bill of this machine's database against dpkg-query.
func TestDebian(t *testing.T) {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version} ${Architecture}\n").Output()
	if err != nil {
		t.Skipf("needs dpkg-query: %v", err)
	}
	files := map[string]string{}
	for _, name := range []string{"/var/lib/dpkg/status", "/etc/os-release"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Skipf("needs %s", name)
		}
		files[strings.TrimPrefix(name, "/")] = string(b)
	}
	inv := read(t, files)
	found := map[string]bool{}
	for _, p := range inv.Packages {
		found[path.Join(p.Name, p.Version, p.Arch)] = true
	}
	installed := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] != "installed" {
			continue
		}
		installed++
		if !found[path.Join(f[1:]...)] {
			t.Errorf("not found: %s", line)
		}
	}
	if installed != len(inv.Packages) {
		t.Errorf("dpkg-query lists %d, found %d", installed, len(inv.Packages))
	}
}

// FuzzRead feeds databases that may hold anything.
func FuzzRead(f *testing.F) {
	names := []string{
		"var/lib/dpkg/status", "var/lib/dpkg/info/a.list", "usr/share/doc/a/copyright", "lib/apk/db/installed", "etc/os-release",
		"a.dist-info/METADATA", "conda-meta/a.json", "library/a/DESCRIPTION", "node_modules/a/package.json", "packages/A/b/Project.toml",
		"var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/Packages.db", "var/lib/rpm/Packages",
	}
	for _, content := range system {
		f.Add(uint8(0), []byte(content))
	}
	f.Add(uint8(11), slices.Concat([]byte("RpmP"), make([]byte, 8), []byte{1, 0, 0, 0}, make([]byte, 16), bytes.Repeat([]byte("Slot\x01\x00\x00\x00\x00\x01\x00\x00\x01\x00\x00\x00"), 254), []byte("BlbS\x01\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00"), make([]byte, 16)))
	f.Add(uint8(12), slices.Concat(make([]byte, 12), []byte{0x61, 0x15, 6, 0}, make([]byte, 4), []byte{0, 2, 0, 0}, make([]byte, 1000)))
	f.Fuzz(func(t *testing.T, which uint8, content []byte) {
		files := map[string]string{"library/a/Meta/x": ""}
		files[names[int(which)%len(names)]] = string(content)
		inv, err := sbom.Read(t.Context(), root(t, files))
		if err != nil {
			return
		}
		s := sbom.Subject{Name: "t", Date: "2026-01-02T00:00:00Z"}
		if !json.Valid(inv.SPDX(s)) || !json.Valid(inv.CycloneDX(s)) {
			t.Fatal("not JSON")
		}
	})
}
