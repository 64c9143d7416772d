package build

import (
	"io"
	"regexp"
	"strings"

	"repro/build/host"
	"repro/format/tree"
)

// fixed are variables that a runner sets for every step, and why. They are
// not taken from a base image.
var fixed = map[string]string{
	"LC_ALL":         "C.UTF-8", // numbers and sorting
	"TZ":             "UTC",     // dates
	"PYTHONHASHSEED": "0",       // order of sets
	"MPLBACKEND":     "Agg",     // no display
}

const epochVariable = "SOURCE_DATE_EPOCH"

// maxScript bounds a script that sets variables.
const maxScript = 1 << 20

// An assignment of a script in the forms that image builders write: a word, or
// text in single or double quotes, and NAME="${NAME:-"text"}".
var assignment = regexp.MustCompile(`^(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=(?:` +
	`([A-Za-z0-9_./:,=+@%${}-]*)|'([^']*)'|"\$\{[A-Za-z0-9_]+:-"?([^"$\x60\\]*)"?\}"|"([^"\x60\\]*)")[ \t]*(?:#.*)?$`)

// scriptVariables returns what the scripts set that a SIF image, or a sandbox
// of Apptainer's, has for its environment, as far as they are plain assignments at the start of a line; of
// variables in them, PATH is known. Our runner starts steps without a shell,
// so it cannot read them itself.
func scriptVariables(root *tree.Node) map[string]string {
	env := map[string]string{}
	for _, name := range []string{"10-docker2singularity.sh", ourEnvironment} {
		_, n := follow(root, "/"+singularityDir+"/env/"+name)
		if n == nil || !n.Mode.IsRegular() || n.Size > maxScript {
			continue
		}
		r, err := n.Content()
		if err != nil {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(r, maxScript))
		r.Close()
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			assign(env, strings.TrimRight(line, "\r\n"))
		}
	}
	for name := range fixed {
		delete(env, name)
	}
	delete(env, epochVariable)
	return env
}

// assign sets in env what one line of a script assigns, if it does.
func assign(env map[string]string, line string) {
	m := assignment.FindStringSubmatch(line)
	if m == nil {
		return
	}
	value := m[2] + m[4] + m[5] // those in which $PATH counts; one is not empty
	if strings.Contains(value, "$") {
		path, ok := env["PATH"]
		if !ok {
			path = strings.Join(host.DefaultPath, ":")
		}
		value = strings.NewReplacer("${PATH}", path, "$PATH", path).Replace(value)
		if strings.Contains(value, "$") {
			return
		}
	}
	env[m[1]] = value + m[3]
}
