package cli

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"repro/examples"
)

// findPython returns a python3 that can run the second example, and the files
// besides the program that it needs: its standard library, the packages that
// the example imports and matplotlib's data.
func findPython(ctx context.Context) (python string, files []string) {
	const probe = `
import os, sys, sysconfig
import numpy, matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
plt.figure().savefig(os.devnull, format="png")
lib = os.path.realpath(sysconfig.get_paths()["stdlib"])
want = {lib, os.path.realpath(matplotlib.get_data_path())}
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None)
    if not file or os.path.realpath(file).startswith(lib + os.sep) and "-packages" not in file:
        continue
    top = module.__name__.partition(".")[0]
    for folder in sys.path:
        for found in (os.path.join(folder, top), os.path.join(folder, top + ".libs"), file):
            if os.path.exists(found) and (found == file or folder and os.path.isdir(found)):
                want.add(found)
for found in (matplotlib.matplotlib_fname(),):
    want.add(found)
keep = sorted(f for f in want if not any(f != g and f.startswith(g + os.sep) for g in want))
print(os.path.realpath(sys.executable), *keep, sep="\n")`
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		out, err := exec.CommandContext(ctx, name, "-c", probe).Output()
		if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); err == nil && len(lines) > 1 {
			return lines[0], lines[1:]
		}
	}
	return "", nil
}

// usePython puts this machine's python3 into the recipe.
func usePython(recipe, python string, files []string) error {
	text, err := os.ReadFile(recipe)
	if err != nil {
		return err
	}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "    programs: ") {
			lines[i] = fmt.Sprintf("    programs: [%q]", python)
		}
		if strings.HasPrefix(line, "    files: ") {
			lines[i] = "    files: [" + quoteAll(files) + "]"
		}
		if strings.HasPrefix(line, "    command: [python3, ") {
			lines[i] = strings.Replace(line, "python3", fmt.Sprintf("%q", python), 1)
		}
	}
	return os.WriteFile(recipe, []byte(strings.Join(lines, "\n")), 0o666)
}

func quoteAll(files []string) string {
	quoted := make([]string, len(files))
	for i, f := range files {
		quoted[i] = fmt.Sprintf("%q", f)
	}
	return strings.Join(quoted, ", ")
}

// unpack writes the example to a folder below d.dir. With odd set, times and
// modes are unlike those of the first copy.
func (d *demo) unpack(example, to string, odd bool) error {
	source, err := fs.Sub(examples.FS, example)
	if err != nil {
		return err
	}
	target := to
	if err := os.MkdirAll(target, 0o777); err != nil {
		return err
	}
	if err := os.CopyFS(target, source); err != nil || !odd {
		return err
	}
	return filepath.WalkDir(target, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if err := os.Chmod(name, 0o600); err != nil {
			return err
		}
		return os.Chtimes(name, time.Time{}, time.Unix(86400*int64(len(name)), 0))
	})
}

func sha256File(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}
