package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"
)

// released is "VERSION COMMIT TIME" where script/release built this program.
var released string

// aboutProgram says which program this is.
type aboutProgram struct {
	Schema   int    `json:"version"`
	Program  string `json:"program"` // v1.2.3, or devel and the commit
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"` // of the commit
	Modified bool   `json:"modified"`       // built of files that are not the commit's
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Static   bool   `json:"static"`
}

func aboutThis() aboutProgram {
	b := aboutProgram{Schema: 1, Program: version(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if words := strings.Fields(released); len(words) == 3 {
		b.Commit, b.Time = words[1], words[2]
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		case "CGO_ENABLED":
			b.Static = s.Value == "0"
		}
	}
	return b
}

// version says which build this is: the release, the module's version, or the commit.
func version() string {
	if words := strings.Fields(released); len(words) == 3 {
		return words[0]
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}

func versionCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "say which program this is",
		Description: `The release or commit that it was built of, and for which machine. Whether it is that
release, self-verify says.

   repro version
   repro version --json | jq -r .commit`,
		Flags: []cli.Flag{jsonFlag},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() > 0 {
				return usagef("version: takes no arguments")
			}
			b := aboutThis()
			if ctx.Bool("json") {
				return c.printJSON(b)
			}
			_, err := fmt.Fprintf(c.out, "repro %s (%s, %s/%s)\n", b.Program, b.Go, b.OS, b.Arch)
			return err
		},
	}
}
