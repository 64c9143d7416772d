package build

import (
	"fmt"
	"maps"
	"path"
	"strings"

	"repro/format/manifest"
	"repro/format/tree"
)

// What Apptainer and SingularityCE look for in an image, so that its readers
// can run and inspect it without repro. SPEC.md, FS.
const (
	singularityDir = ".singularity.d"
	ourEnvironment = "90-environment.sh"
	lastScript     = "99-base.sh" // must exist, or --env is not applied
)

// singularity gives the environment its .singularity.d. Of a base image's own,
// only the scripts that set variables stay. SPEC.md, FS-8.
func (b *builder) singularity() {
	dir, env := tree.NewDir(), tree.NewDir()
	if base := b.env.Tree.Lookup(singularityDir + "/env"); base != nil && base.IsDir() {
		for name, n := range base.Entries {
			switch {
			case !n.Mode.IsRegular() || !strings.HasSuffix(name, ".sh") || name == lastScript:
			case name == ourEnvironment:
				env.Entries["80-environment.sh"] = n
			default:
				env.Entries[name] = n
			}
		}
	}
	variables := b.variables()
	env.Entries[ourEnvironment] = tree.NewFile(0o755, []byte(variables))
	env.Entries[lastScript] = tree.NewFile(0o755, nil)
	runscript := b.runscript()
	labels := b.labels()
	dir.Entries["env"] = env
	dir.Entries["actions"] = actions()
	dir.Entries["runscript"] = tree.NewFile(0o755, []byte(runscript))
	dir.Entries["labels.json"] = tree.NewFile(0o644, document(labels))
	b.env.Tree.Entries[singularityDir] = dir
	b.inspect = document(map[string]any{
		"type": "container",
		"data": map[string]any{"attributes": map[string]any{
			"labels":      labels,
			"runscript":   runscript,
			"environment": map[string]string{path.Join("/", singularityDir, "env", ourEnvironment): variables},
		}},
	})
}

// actions are the scripts that a container is started through: by Apptainer for
// "test" and "instance start", by older programs for all.
func actions() *tree.Node {
	dir := tree.NewDir()
	for name, last := range map[string]string{
		"exec":  `exec "$@"`,
		"run":   `exec /.singularity.d/runscript "$@"`,
		"shell": `exec /bin/sh "$@"`,
		"start": "exit 0", // nothing runs in an instance but what is started in it
		"test":  `echo "no test here: repro run executes the steps and compares their results" >&2`,
	} {
		script := "#!/bin/sh\nfor script in /.singularity.d/env/*.sh; do . \"$script\"; done\n" + last + "\n"
		dir.Entries[name] = tree.NewFile(0o755, []byte(script))
	}
	return dir
}

// document encodes what holds only text, which cannot fail.
func document(v any) []byte {
	b, err := manifest.Marshal(v)
	if err != nil {
		return nil
	}
	return append(b, '\n')
}

func (b *builder) labels() map[string]string {
	p := b.manifest.Paper
	var authors []string
	for _, a := range p.Authors {
		authors = append(authors, a.Name)
	}
	labels := map[string]string{
		"org.opencontainers.image.title":   p.Title,
		"org.opencontainers.image.authors": strings.Join(authors, ", "),
		"org.opencontainers.image.created": p.Date,
	}
	if p.Licence != "" {
		labels["org.opencontainers.image.licenses"] = p.Licence
	}
	if p.DOI != "" {
		labels["org.opencontainers.image.url"] = "https://doi.org/" + p.DOI
	}
	return labels
}

// variables is a script that sets what every step of the image is to have.
func (b *builder) variables() string {
	env := maps.Clone(fixed)
	env[epochVariable] = fmt.Sprint(b.date.Unix())
	maps.Copy(env, b.env.Env)
	return exports(env)
}

// runscript runs the steps in order, or those that its arguments name.
func (b *builder) runscript() string {
	var s strings.Builder
	var names []string
	for _, step := range b.manifest.Steps {
		names = append(names, step.Name)
	}
	all := strings.Join(names, " ")
	fmt.Fprintf(&s, `#!/bin/sh
# Runs the steps of this paper, or those named. Their outputs go below %[1]s,
# which must be writable: apptainer run --containall --writable-tmpfs.
# "repro run" also compares them with the published results.
set -eu
[ $# -gt 0 ] || set -- %[2]s
for step in "$@"; do
	echo "step $step" >&2
	case $step in
`, Paper, all)
	for _, step := range b.manifest.Steps {
		words := step.Arguments()
		for i, w := range words {
			words[i] = quote(w)
		}
		fmt.Fprintf(&s, "\t%s)\n(\ncd %s\n%sexec %s\n) ;;\n", quote(step.Name), quote(step.Dir), exports(step.Env), strings.Join(words, " "))
	}
	fmt.Fprintf(&s, `	*)
		echo "no step $step: there are %s" >&2
		exit 2 ;;
	esac
done
`, all)
	return s.String()
}
