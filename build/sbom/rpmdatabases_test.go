package sbom_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/build/sbom"
)

// rpmDatabase has rpm itself build two packages, one with thousands of files,
// and install them into a new database, and returns its file and the headers
// in it.
func rpmDatabase(t *testing.T) (file []byte, headers [][]byte) {
	t.Helper()
	for _, p := range []string{"rpm", "rpmbuild", "python3"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("needs %s", p)
		}
	}
	dir := t.TempDir()
	const spec = "Name: %s\nVersion: 1.5\nRelease: 2\nEpoch: 3\nSummary: s\nLicense: MIT\nBuildArch: noarch\n%%description\nd\n%%install\nmkdir -p %%{buildroot}/opt/%[1]s\nfor i in $(seq %d); do echo >%%{buildroot}/opt/%[1]s/f$i; done\n%%files\n/opt/%[1]s\n"
	db := filepath.Join(dir, "db")
	run := func(argv ...string) string {
		t.Helper()
		cmd := exec.Command(argv[0], argv[1:]...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%q: %v\n%s", argv, err, stderr.String())
		}
		return string(out)
	}
	for name, files := range map[string]int{"small": 3, "large": 2000} {
		file := filepath.Join(dir, name+".spec")
		if err := os.WriteFile(file, fmt.Appendf(nil, spec, name, files), 0o666); err != nil {
			t.Fatal(err)
		}
		run("rpmbuild", "--quiet", "--define", "_topdir "+dir, "-bb", file)
		run("rpm", "--define", "_db_backend sqlite", "--dbpath", db, "--justdb", "--nodeps", "-i", filepath.Join(dir, "RPMS/noarch", name+"-1.5-2.noarch.rpm"))
	}
	name := filepath.Join(db, "rpmdb.sqlite")
	list := run("python3", "-c", "import sqlite3, sys\nfor row in sqlite3.connect(sys.argv[1]).execute('SELECT blob FROM Packages'): print(row[0].hex())", name)
	for line := range strings.Lines(list) {
		b, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		headers = append(headers, b)
	}
	file, err := os.ReadFile(name)
	if err != nil || len(headers) != 2 {
		t.Fatalf("%d packages: %v", len(headers), err)
	}
	return file, headers
}

// wantRPM holds what is read in a database against what was installed.
func wantRPM(t *testing.T, file string, content []byte) {
	t.Helper()
	inv := read(t, map[string]string{"etc/os-release": "ID=opensuse\n", "var/lib/rpm/" + file: string(content), "opt/large/f1999": "x", "opt/other": "x"})
	var got []string
	for _, p := range inv.Packages {
		got = append(got, p.Name+" "+p.Version+" "+strings.Join(p.Licences, ";"))
	}
	if want := []string{"large 3:1.5-2 MIT", "small 3:1.5-2 MIT"}; !slices.Equal(got, want) || inv.Unowned != 2 || len(inv.Unread) > 0 {
		t.Errorf("%s: %q, %d without an owner, unread %q", file, got, inv.Unowned, inv.Unread)
	}
}

// TestRPMItself reads the database that rpm writes today, and its headers in
// the two older forms: in Berkeley DB's, written by its own program, and in
// ndb's, written here, for Debian's rpm cannot.
func TestRPMItself(t *testing.T) {
	file, headers := rpmDatabase(t)
	wantRPM(t, "rpmdb.sqlite", file)
	wantRPM(t, "Packages.db", ndb(headers))
	if _, err := exec.LookPath("db5.3_load"); err != nil {
		t.Skipf("needs db5.3_load")
	}
	for _, order := range []string{"1234", "4321"} {
		dump := "VERSION=3\nformat=bytevalue\ntype=hash\ndb_lorder=" + order + "\ndb_pagesize=4096\nHEADER=END\n 00000000\n 02000000\n"
		for i, h := range headers {
			dump += fmt.Sprintf(" %02x000000\n %x\n", i+1, h)
		}
		name := filepath.Join(t.TempDir(), "Packages")
		load := exec.Command("db5.3_load", name)
		load.Stdin = strings.NewReader(dump + "DATA=END\n")
		if out, err := load.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		wantRPM(t, "Packages", b)
	}
}

// ndb writes headers as rpm's lib/backend/ndb/rpmpkg.c describes it: the slot
// of a package that was removed comes first.
func ndb(headers [][]byte) []byte {
	le := binary.LittleEndian
	number := func(b []byte, all ...uint32) []byte {
		for _, n := range all {
			b = le.AppendUint32(b, n)
		}
		return b
	}
	slots := number([]byte("RpmP"), 0, 7, 1, uint32(len(headers))+1, 0, 0, 0)
	slots = number(append(slots, "Slot"...), 0, 0, 0)
	var blobs []byte
	for i, h := range headers {
		nr, start := uint32(i)+1, len(blobs)
		blobs = append(number(append(blobs, "BlbS"...), nr, 7, uint32(len(h))), h...)
		for len(blobs)%16 != 4 {
			blobs = append(blobs, 0)
		}
		blobs = append(number(blobs, 0, uint32(len(h))), "BlbE"...)
		slots = number(append(slots, "Slot"...), nr, uint32(4096+start)/16, uint32(len(blobs)-start)/16)
	}
	for len(slots) < 4096 {
		slots = number(append(slots, "Slot"...), 0, 0, 0)
	}
	return append(slots, blobs...)
}

// TestRPMDatabase writes databases of packages whose headers have all lengths
// around a block, up to more than one page of slots.
func TestRPMDatabase(t *testing.T) {
	for _, n := range []int{0, 1, 254, 255, 600} {
		var headers [][]byte
		for i := range n {
			text := fmt.Sprintf("p%d%s\x00", i, strings.Repeat("x", i%40))
			header := binary.BigEndian.AppendUint32(nil, 1)
			header = binary.BigEndian.AppendUint32(header, uint32(len(text)))
			for _, number := range []uint32{1000, 6, 0, 1} { // a name, text, at 0, one
				header = binary.BigEndian.AppendUint32(header, number)
			}
			headers = append(headers, append(header, text...))
		}
		db := sbom.RPMDatabase(headers)
		var got [][]byte
		err := sbom.RPMPackages("Packages.db", db, func(p sbom.Package, files []string, header []byte) {
			if want := fmt.Sprintf("p%d%s", len(got), strings.Repeat("x", len(got)%40)); p.Name != want || len(files) != 0 {
				t.Errorf("%d: %q with %d files, want %q", n, p.Name, len(files), want)
			}
			got = append(got, header)
		})
		if err != nil || !slices.EqualFunc(got, headers, slices.Equal[[]byte]) {
			t.Errorf("%d headers: %d came back, %v", n, len(got), err)
		}
		if len(db)%16 != 0 {
			t.Errorf("%d headers: %d bytes", n, len(db))
		}
	}
	if names := sbom.RPMDatabases(); !slices.Equal(names, []string{"rpmdb.sqlite", "Packages.db", "Packages"}) {
		t.Errorf("names %q", names)
	}
}
