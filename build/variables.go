package build

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

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

// scripts are those of a SIF image, or of a sandbox of Apptainer's, that set
// what the image's author wants set, in the order in which they are read.
var scripts = []string{"10-docker2singularity.sh", ourEnvironment}

// scriptVariables returns what those scripts set, as far as it follows from
// them alone, and the names of variables that do not: what a command prints,
// or what depends on a variable of whoever starts a program. Our runner starts
// steps without a shell, so no shell can tell.
func scriptVariables(root *tree.Node) (env map[string]string, unknown []string) {
	env = map[string]string{}
	for _, name := range scripts {
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
		unknown = append(unknown, assignments(env, string(text))...)
	}
	for name := range fixed {
		delete(env, name)
	}
	delete(env, epochVariable)
	return env, slices.Compact(slices.Sorted(slices.Values(unknown)))
}

// assignments sets in env what a POSIX shell script assigns outside of
// conditions, loops and functions, and returns the names of the variables
// whose values it does not say.
func assignments(env map[string]string, script string) (unknown []string) {
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash)) // of which export is a part
	file, err := parser.Parse(strings.NewReader(script), "")
	if err != nil {
		return nil // no shell would read it either
	}
	for _, stmt := range file.Stmts {
		for _, a := range assigned(stmt) {
			if a.Name == nil || a.Naked || a.Append || a.Array != nil {
				continue
			}
			value, err := expand.Literal(&expand.Config{Env: known(env), NoUnset: true}, unescaped(a.Value))
			if err != nil || strings.IndexByte(value, 0) >= 0 {
				delete(env, a.Name.Value)
				unknown = append(unknown, a.Name.Value)
				continue
			}
			env[a.Name.Value] = value
		}
	}
	return slices.DeleteFunc(unknown, func(name string) bool { _, set := env[name]; return set })
}

// unescaped puts in quotes what backslashes outside of quotes take for
// themselves, for expand.Literal keeps those (and Apptainer with it).
func unescaped(w *syntax.Word) *syntax.Word {
	if w == nil {
		return nil
	}
	out := &syntax.Word{}
	for _, part := range w.Parts {
		lit, ok := part.(*syntax.Lit)
		for ok {
			plain, rest, found := strings.Cut(lit.Value, `\`)
			if plain != "" {
				out.Parts = append(out.Parts, &syntax.Lit{Value: plain})
			}
			if !found || rest == "" {
				break
			}
			_, size := utf8.DecodeRuneInString(rest)
			if rest[:size] != "\n" {
				out.Parts = append(out.Parts, &syntax.SglQuoted{Value: rest[:size]})
			}
			lit = &syntax.Lit{Value: rest[size:]}
		}
		if !ok {
			out.Parts = append(out.Parts, part)
		}
	}
	return out
}

// assigned returns the assignments of NAME=value and export NAME=value.
func assigned(stmt *syntax.Stmt) []*syntax.Assign {
	if stmt.Negated || stmt.Background || len(stmt.Redirs) > 0 {
		return nil
	}
	switch cmd := stmt.Cmd.(type) {
	case *syntax.CallExpr:
		if len(cmd.Args) == 0 {
			return cmd.Assigns
		}
	case *syntax.DeclClause:
		if cmd.Variant.Value == "export" {
			return cmd.Args
		}
	}
	return nil
}

// known is the environment in which a script's words are expanded: what it set
// so far, and the PATH that there is without it.
func known(env map[string]string) expand.Environ {
	return expand.FuncEnviron(func(name string) string {
		if value, ok := env[name]; ok || name != "PATH" {
			return value
		}
		return strings.Join(host.DefaultPath, ":")
	})
}

// exports is a script that sets what env has.
func exports(env map[string]string) string {
	var s strings.Builder
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if shellName(name) {
			fmt.Fprintf(&s, "export %s=%s\n", name, quote(env[name]))
		}
	}
	return s.String()
}

func shellName(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") == "" && (s[0] < '0' || s[0] > '9')
}

// inDouble are the characters that mean something within double quotes.
var inDouble = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")

// quote makes one word of s for a POSIX shell: in single quotes, or in double
// ones where s has a single quote, for Apptainer misreads 'it'\”s'.
func quote(s string) string {
	if strings.Contains(s, "'") {
		return `"` + inDouble.Replace(s) + `"`
	}
	return "'" + s + "'"
}
