package sbom_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestRPM reads a database that SQLite itself wrote: 300 packages, some of
// whose headers flow over into further pages.
func TestRPM(t *testing.T) {
	name := filepath.Join(t.TempDir(), "rpmdb.sqlite")
	const program = `
import sqlite3, struct, sys
def header(tags):
    index, data = b"", b""
    for tag, (kind, count, value) in sorted(tags.items()):
        if kind == 4:
            data += b"\0" * (-len(data) % 4)
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += value
    return struct.pack(">II", len(tags), len(data)) + index + data
text = lambda s: (6, 1, s.encode() + b"\0")
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA page_size=4096")
db.execute("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
for i in range(300):
    files = ["f%d-%d" % (i, j) for j in range(10 * (i % 60))]
    db.execute("INSERT INTO Packages(blob) VALUES (?)", (header({
        1000: text("p%d" % i), 1001: text("1.%d" % i), 1002: text("2.fc40"), 1003: (4, 1, struct.pack(">I", i % 2)),
        1014: text("MIT"), 1022: text("x86_64"), 1044: text("p-1.src.rpm"),
        1116: (4, len(files), struct.pack(">%dI" % len(files), *[0] * len(files))),
        1117: (8, len(files), b"".join(f.encode() + b"\0" for f in files)),
        1118: (8, 1, b"/usr/bin/\0"),
    }),))
db.commit()
`
	if out, err := exec.Command("python3", "-c", program, name).CombinedOutput(); err != nil {
		t.Skipf("needs python3 with sqlite3: %v: %s", err, out)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	inv := read(t, map[string]string{
		"etc/os-release": "ID=fedora\nVERSION_ID=40\n", "var/lib/rpm/rpmdb.sqlite": string(b), "usr/bin/f59-589": "x", "usr/bin/other": "x",
	})
	if len(inv.Packages) != 300 || inv.Unowned != 2 {
		t.Fatalf("%d packages, %d files without an owner", len(inv.Packages), inv.Unowned)
	}
	if got, want := inv.Packages[1].URL(inv), "pkg:rpm/fedora/p1@1:1.1-2.fc40?arch=x86_64&distro=fedora-40&upstream=p-1.src.rpm"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
