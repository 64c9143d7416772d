package draft

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"repro/internal/form"
	"repro/recipe"
)

// Captured is what package capture found out about an experiment, for its
// recipe. Paths are relative to the recipe's folder.
type Captured struct {
	Record  string // of the capture
	Whole   bool   // packages are taken whole
	Code    []string
	Data    []string
	Steps   []CapturedStep // in order
	Results []string       // outputs that are likely results
	Made    []string       // files that the steps make, outputs or not
	Day     time.Time      // of the newest of these files
}

// CapturedStep is one command that was captured.
type CapturedStep struct {
	Name    string
	Command []string
	Env     map[string]string
	Inputs  []string
	Outputs []string
}

// Draft writes the recipe of a captured experiment that has none yet, with
// comments. Whose work it is is taken from the folder dir, as by [Folder].
func (c Captured) Draft(dir string, o Options) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	w := &draft{root: root.FS(), day: c.Day, options: o}
	w.known = describe(w.root)
	w.about()
	w.printf(`
# Where the programs come from: the files that the captured run read on this
# machine. Those that it did not read, or that look secret, enter only if they
# are named: capture: {record: repro.capture.json, files: [/usr/share/example]}.
# With "packages: whole" beside them, the packages that own what was read are
# taken whole, so that other inputs work too.
%s`, c.environment())
	w.printf("\n# Files of the experiment that the run used. Steps see them at the same places below /paper.\n")
	w.list("code", "", c.Code)
	w.printf("\n# Input data. Say where it is from, and under which licence:\n#   - {path: data/x.csv, source: \"https://doi.org/10.5281/zenodo.123\", licence: CC0-1.0}\n")
	w.list("data", "", c.Data)
	w.printf("\n# The commands that were captured. A step that has an output of another among its\n# inputs waits for it; the others may run at the same time.\nsteps:\n")
	for _, s := range c.Steps {
		w.printf("%s", indented(s.text(), "  "))
	}
	w.printf(`
# What the paper reports: the file as published, kept out of sight of the steps,
# and the output that is compared with it (at the same place unless "published"
# says otherwise). Take away what is no result.
`)
	if len(c.Results) == 0 {
		w.printf("# results:\n#   - {name: table-1, output: results/table1.csv, claim: \"Table 1\", compare: {kind: csv, digits: 4}}\n")
	} else {
		w.printf("results:\n")
	}
	taken := map[string]bool{}
	for _, o := range c.Results {
		w.printf("  - name: %s\n    output: %s\n    # claim: what the paper says that rests on it\n", quoted(resultName(o, taken)), quoted(o))
	}
	b := w.out.Bytes()
	if _, err := recipe.Parse(recipe.FileName, b); err != nil {
		return nil, fmt.Errorf("no recipe comes of it: %w", err)
	}
	return b, nil
}

func (c Captured) environment() string {
	if c.Whole {
		return fmt.Sprintf("environment:\n  capture: {record: %s, packages: whole}\n", quoted(c.Record))
	}
	return fmt.Sprintf("environment:\n  capture: %s\n", quoted(c.Record))
}

// list writes a key and a list of texts, or nothing.
func (w *draft) list(key, indent string, texts []string) {
	if len(texts) == 0 {
		return
	}
	w.printf("%s%s:\n", indent, key)
	for _, t := range texts {
		w.printf("%s  - %s\n", indent, quoted(t))
	}
}

// text is the step as an entry of a list.
func (s CapturedStep) text() string {
	w := &draft{}
	var words []string
	for _, a := range s.Command {
		words = append(words, quoted(a))
	}
	w.printf("- name: %s\n  command: [%s]\n", quoted(s.Name), strings.Join(words, ", "))
	if len(s.Env) > 0 {
		w.printf("  env:\n")
		for _, name := range slices.Sorted(maps.Keys(s.Env)) {
			w.printf("    %s: %s\n", name, doubleQuoted(s.Env[name]))
		}
	}
	w.list("inputs", "  ", s.Inputs)
	w.list("outputs", "  ", s.Outputs)
	return w.out.String()
}

func indented(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

// quoted writes s as YAML text: as it is where that is plain.
func quoted(s string) string {
	if w := word(s); w == s && s != "" {
		return s
	}
	return doubleQuoted(s)
}

// doubleQuoted writes s in quotes as YAML has them, in which \x stands for a
// character and not, as in Go, for a byte.
func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case unicode.Is(unicode.Cf, r): // such as those that turn the direction of a line
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// resultName makes a name for a result of its file's.
func resultName(output string, taken map[string]bool) string {
	base := notName.ReplaceAllString(strings.TrimSuffix(path.Base(output), path.Ext(output)), "-")
	base = strings.TrimLeft(base, ".-_")
	base = base[:min(len(base), recipe.MaxName-8)]
	if base == "" {
		base = "result"
	}
	name := base
	for i := 2; taken[name]; i++ {
		name = fmt.Sprintf("%s-%d", base, i)
	}
	taken[name] = true
	return name
}

// Extend returns the recipe old with what was captured: its environment is that
// of the capture, each captured step has the command, variables, inputs and
// outputs that it was seen with, and code, data and results that are missing are
// added. What the steps make is taken out of code and data, where an earlier
// capture that found it there has put it. All else stays, comments too.
func (c Captured) Extend(name string, old []byte) ([]byte, error) {
	if _, err := recipe.Parse(name, old); err != nil {
		return nil, err
	}
	var out []byte
	var failed error
	err := plainYAML.Read(name, old, func(_ *form.Reader, root *form.Node) {
		failed = c.edit(root)
		if failed == nil {
			out, failed = form.WriteCommented(root)
		}
	})
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	if _, err := recipe.Parse(name, out); err != nil {
		return nil, fmt.Errorf("with what was captured: %w", err)
	}
	return out, nil
}

func (c Captured) edit(root *form.Node) error {
	env, err := fragment(c.environment())
	if err != nil {
		return err
	}
	fresh, old := find(env, "environment"), find(root, "environment")
	if cpu := find(old, "cpu"); cpu != nil {
		set(fresh, "cpu", cpu)
	}
	if files := find(find(old, "capture"), "files"); files != nil {
		record := find(fresh, "capture")
		if form.IsScalar(record) {
			whole, err := fragment(fmt.Sprintf("{record: %s}", quoted(c.Record)))
			if err != nil {
				return err
			}
			record = whole
		}
		set(record, "files", files)
		set(fresh, "capture", record)
	}
	set(root, "environment", fresh)
	for _, l := range []struct {
		key   string
		texts []string
	}{{"code", c.Code}, {"data", c.Data}} {
		c.dropMade(root, l.key)
		if err := addTexts(root, l.key, l.texts); err != nil {
			return err
		}
	}
	if err := c.editSteps(root); err != nil {
		return err
	}
	return c.editResults(root)
}

func (c Captured) editSteps(root *form.Node) error {
	steps := find(root, "steps")
	for _, s := range c.Steps {
		list, err := fragment(s.text())
		if err != nil {
			return err
		}
		fresh := list.Content[0]
		i := slices.IndexFunc(steps.Content, func(e *form.Node) bool {
			n := find(e, "name")
			return n != nil && n.Value == s.Name
		})
		if i < 0 {
			steps.Content = append(steps.Content, fresh)
			continue
		}
		for _, key := range []string{"command", "env", "inputs", "outputs"} {
			set(steps.Content[i], key, find(fresh, key))
		}
	}
	return nil
}

func (c Captured) editResults(root *form.Node) error {
	taken, there := map[string]bool{}, map[string]bool{}
	if results := find(root, "results"); results != nil {
		for _, e := range results.Content {
			if n := find(e, "name"); n != nil {
				taken[n.Value] = true
			}
			if o := find(e, "output"); o != nil {
				output := path.Clean(o.Value)
				there[output] = true
				if slices.Contains(c.Data, output) || slices.Contains(c.Code, output) {
					return fmt.Errorf("%s: is a result in the recipe, and the captured run read it before it changed it: remove the file, so that the run begins without it, and capture again; or take the result out of the recipe", output)
				}
			}
		}
	}
	for _, o := range c.Results {
		if there[o] {
			continue
		}
		list, err := fragment(fmt.Sprintf("- name: %s\n  output: %s\n", quoted(resultName(o, taken)), quoted(o)))
		if err != nil {
			return err
		}
		add(root, "results", list)
	}
	return nil
}

// dropMade takes out of a list the paths of files that the steps make.
func (c Captured) dropMade(root *form.Node, key string) {
	list := find(root, key)
	if list == nil || !form.IsList(list) {
		return
	}
	list.Content = slices.DeleteFunc(list.Content, func(e *form.Node) bool {
		if p := find(e, "path"); p != nil {
			e = p
		}
		return slices.Contains(c.Made, path.Clean(e.Value))
	})
	if len(list.Content) == 0 {
		set(root, key, nil)
	}
}

// addTexts adds to a list of paths and patterns, or of mappings with a path,
// what none of them takes.
func addTexts(root *form.Node, key string, texts []string) error {
	var have []string
	if list := find(root, key); list != nil {
		for _, e := range list.Content {
			if p := find(e, "path"); p != nil {
				e = p
			}
			have = append(have, path.Clean(e.Value))
		}
	}
	for _, t := range texts {
		if slices.ContainsFunc(have, func(p string) bool {
			for at := t; at != "."; at = path.Dir(at) {
				if p == at || recipe.IsGlob(p) && recipe.Match(p, at) {
					return true
				}
			}
			return p == "."
		}) {
			continue
		}
		list, err := fragment("- " + quoted(t) + "\n")
		if err != nil {
			return err
		}
		add(root, key, list)
	}
	return nil
}

// fragment reads a piece of a recipe.
func fragment(text string) (root *form.Node, err error) {
	err = plainYAML.Read("fragment", []byte(text), func(_ *form.Reader, n *form.Node) { root = n })
	return root, err
}

// find returns the value of a key of a mapping, or nil.
func find(n *form.Node, key string) *form.Node {
	if n == nil || !form.IsMapping(n) {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// set gives a key of a mapping a value; nil takes the key away.
func set(n *form.Node, key string, value *form.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch {
		case n.Content[i].Value != key:
		case value == nil:
			n.Content = slices.Delete(n.Content, i, i+2)
			return
		default:
			value.LineComment, value.FootComment = n.Content[i+1].LineComment, n.Content[i+1].FootComment
			n.Content[i+1] = value
			return
		}
	}
	if value != nil {
		pair := form.TextList(key)
		n.Content = append(n.Content, pair.Content[0], value)
	}
}

// add appends the entries of a list to that of a key.
func add(root *form.Node, key string, list *form.Node) {
	if old := find(root, key); old != nil && form.IsList(old) {
		old.Content = append(old.Content, list.Content...)
		return
	}
	set(root, key, list)
}
