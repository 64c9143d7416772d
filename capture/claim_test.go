package capture

import (
	"runtime"
	"strings"
	"testing"
)

// TestClaim: two captures in one folder would lose the steps of one.
func TestClaim(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("captures need Linux")
	}
	dir := t.TempDir()
	release, err := claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claim(dir); err == nil || !strings.Contains(err.Error(), "another capture is at work in this folder") {
		t.Errorf("a second claim: %v", err)
	}
	release()
	again, err := claim(dir)
	if err != nil {
		t.Fatalf("after the first ended: %v", err)
	}
	again()
}
