package capture

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/format/tree"
)

// TestAddPackageRecords: a tree of the machine's own files says which packages
// they are of, and of no other.
func TestAddPackageRecords(t *testing.T) {
	status, err := os.ReadFile("/var/lib/dpkg/status")
	if err != nil || !bytes.Contains(status, []byte("\nPackage: tar\n")) && !bytes.HasPrefix(status, []byte("Package: tar\n")) {
		t.Skip("needs dpkg's database, with the package tar")
	}
	shell, err := filepath.EvalSymlinks("/bin/tar")
	if err != nil {
		t.Fatal(err)
	}
	root := tree.NewDir()
	if err := root.Put(shell, tree.NewFile(0o755, []byte("x"))); err != nil {
		t.Fatal(err)
	}
	AddPackageRecords(root)
	n := root.Lookup("/var/lib/dpkg/status")
	if n == nil {
		t.Fatal("no status")
	}
	r, err := n.Content()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil || strings.Count(string(text), "Package: ") != 1 || !strings.Contains(string(text), "Package: tar\n") {
		t.Errorf("status %q, %v", text, err)
	}
	if root.Lookup("/var/lib/dpkg/info/tar.list") == nil && root.Lookup("/var/lib/dpkg/info/tar:amd64.list") == nil {
		t.Error("no list of the package's files")
	}
	if root.Lookup("/paper") != nil {
		t.Error("records stand among the experiment's files")
	}
	before := n
	AddPackageRecords(root)
	if root.Lookup("/var/lib/dpkg/status") != before {
		t.Error("records that are there were replaced")
	}
}
