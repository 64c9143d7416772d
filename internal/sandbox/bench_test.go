//go:build linux && (amd64 || arm64)

package sandbox

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// BenchmarkTrue measures start to exit of a program that does nothing, with an
// overlay of its own. Its peer is BenchmarkBubblewrap, on the bare directory.
func BenchmarkTrue(b *testing.B) {
	root, dir := testRoot(b), b.TempDir()
	scratch := filepath.Join(dir, "scratch")
	if err := Prepare(scratch); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c := Command{Lower: []string{root}, Scratch: scratch, Args: []string{"/bin/true"}, Dir: "/"}
		if r, err := Run(b.Context(), c); err != nil || r.Exit != 0 {
			b.Fatal(r, err)
		}
	}
}

func BenchmarkBubblewrap(b *testing.B) {
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		b.Skip("needs bwrap")
	}
	for b.Loop() {
		cmd := exec.Command(bwrap, "--unshare-all", "--bind", testRoot(b), "/", "--dev", "/dev", "--proc", "/proc",
			"--tmpfs", "/tmp", "--die-with-parent", "/bin/true")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v %s", err, out)
		}
	}
}
