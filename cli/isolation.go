package cli

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"repro/engine/local"
	"repro/recipe"
)

// Flags about what programs of an image get of this machine.
var (
	bindFlag = &cli.StringSliceFlag{
		Name:  "bind",
		Usage: "show a file or folder of this machine's inside: `SOURCE:TARGET`, with :rw to let programs write there; sockets in it are out of reach, and the report says so",
	}
	networkFlag  = &cli.BoolFlag{Name: "network", Usage: "let programs reach this machine's network; the report says so"}
	dirFlag      = &cli.StringFlag{Name: "dir", Usage: "start in `FOLDER` of the image", DefaultText: "the step's, or /paper"}
	execStepFlag = &cli.StringFlag{Name: "step", Usage: "with the variables, and in the folder, of the step `NAME`"}
	scratchFlag  = &cli.StringFlag{Name: "scratch",
		Usage:       "put what programs write below `FOLDER`, such as a fast local disk, or /dev/shm to keep it in memory",
		DefaultText: "TMPDIR"}
	isolationFlag = &cli.StringFlag{Name: "isolation", DefaultText: "namespaces",
		Usage: "make do with weaker isolation where this machine refuses the full one: `LEVEL` no-proc does without /proc; the report says so",
		Action: func(_ *cli.Context, level string) error {
			if level != string(local.IsolationFull) && level != string(local.IsolationNoProc) && level != string(local.IsolationContainer) {
				return usagef("--isolation %q: want %s or %s", level, local.IsolationFull, local.IsolationNoProc)
			}
			return nil
		}}
	diskFlag = &cli.StringFlag{Name: "disk", Usage: "let each program write at most `SIZE`, such as 20GiB",
		DefaultText: "what the disk has, less a reserve for others"}
)

// sizeOf reads a size that a flag gives; 0 if it was not given.
func sizeOf(ctx *cli.Context, flag string) (int64, error) {
	text := ctx.String(flag)
	if text == "" {
		return 0, nil
	}
	n, err := recipe.Size(text)
	if err != nil {
		return 0, usagef("--%s %q: %w", flag, text, err)
	}
	return n, nil
}

// cpusFlag bounds what all steps together use.
var cpusFlag = &cli.IntFlag{
	Name: "cpus", Usage: "use at most `N` processors for all steps together", DefaultText: "those that this process may use",
	Action: func(_ *cli.Context, n int) error {
		if n < 1 {
			return usagef("--cpus %d: want at least 1", n)
		}
		return nil
	},
}

// readBinds reads what --bind says. A path may hold no colon.
func readBinds(texts []string) (binds []local.Bind, err error) {
	for _, text := range texts {
		parts := strings.Split(text, ":")
		if len(parts) < 2 || len(parts) > 3 || len(parts) == 3 && parts[2] != "rw" && parts[2] != "ro" {
			return nil, usagef("--bind %q: want SOURCE:TARGET, or SOURCE:TARGET:rw", text)
		}
		b := local.Bind{Target: path.Clean(parts[1]), Write: len(parts) == 3 && parts[2] == "rw"}
		if !path.IsAbs(b.Target) {
			return nil, usagef("--bind %q: the target must be absolute", text)
		}
		if b.Source, err = filepath.Abs(parts[0]); err != nil {
			return nil, err
		}
		binds = append(binds, b)
	}
	return binds, nil
}
