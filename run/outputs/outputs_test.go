package outputs

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// TestSpecialOutputs collects what only a stranger would leave.
func TestSpecialOutputs(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	links := map[string]string{"magic": "/proc/self/root/etc/hostname", "up": "../../../../etc/hostname", "loop": "loop"}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"/socket", "/magic", "/up", "/loop", "/magic/x", "/loop/x", "/", "/../x", "/."} {
		to := t.TempDir()
		c, err := NewCollector(to, 0)
		if err != nil {
			t.Fatal(err)
		}
		missing, err := c.Collect(t.Context(), dir, []string{name})
		if err == nil && len(missing) == 0 {
			t.Errorf("%s: collected", name)
		}
		c.Close()
		_ = filepath.WalkDir(to, func(file string, d fs.DirEntry, err error) error {
			if d != nil && !d.IsDir() {
				t.Errorf("%s: left %s", name, file)
			}
			return err
		})
	}
}
