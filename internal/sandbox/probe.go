//go:build linux && (amd64 || arm64)

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Probe reports whether this machine can run programs in a sandbox: nil, or an
// [*UnavailableError] that says what it refuses.
func Probe() error {
	dir, err := os.MkdirTemp("", "repro-probe-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	root, scratch := filepath.Join(dir, "root"), filepath.Join(dir, "scratch")
	for _, name := range MountPoints {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			return err
		}
	}
	if err := Prepare(scratch); err != nil {
		return err
	}
	return Check(context.Background(), Command{Lower: []string{root}, Scratch: scratch, Dir: "/"})
}

// namespaceHint says why this machine may have refused user namespaces.
func namespaceHint() string {
	for _, k := range []struct{ file, refuses, hint string }{
		{"/proc/sys/user/max_user_namespaces", "0", "the administrator can allow user namespaces: sysctl user.max_user_namespaces=15000"},
		{"/proc/sys/kernel/unprivileged_userns_clone", "0", "the administrator can allow user namespaces: sysctl kernel.unprivileged_userns_clone=1"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
			"AppArmor allows user namespaces only to programs with a profile: the administrator can install one for repro, or set sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
	} {
		b, err := os.ReadFile(k.file)
		if err == nil && strings.TrimSpace(string(b)) == k.refuses {
			return k.hint
		}
	}
	if _, err := os.Stat("/.dockerenv"); err == nil {
		return "inside Docker: start the container with --security-opt seccomp=unconfined --security-opt systempaths=unconfined"
	}
	return ""
}

// setupHint says what to do about a kernel that allowed the namespaces and
// then refused what is made of them.
func setupHint(what string, err error) string {
	switch {
	case what == "mount proc":
		return "inside a container whose /proc is masked, no new /proc may be mounted: start the container with --security-opt systempaths=unconfined"
	case what == Fuse:
		return fuseHint
	case what == Overlay:
		return fmt.Sprintf("overlays in user namespaces need Linux 5.11 and a scratch directory on a local filesystem; TMPDIR is %s", os.TempDir())
	}
	if errors.Is(err, fs.ErrPermission) {
		return namespaceHint()
	}
	return ""
}
