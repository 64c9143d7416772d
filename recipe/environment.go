package recipe

import (
	"fmt"
	"path"
	"strings"

	"repro/internal/form"
)

// Kind is where an environment comes from: the key that a recipe names it by.
type Kind string

// The kinds of environment.
const (
	Host   Kind = "host"
	Rootfs Kind = "rootfs"
	Tar    Kind = "tar"
	OCI    Kind = "oci"
	SIF    Kind = "sif"

	Capture Kind = "capture"
)

// kinds is the table of environments. A kind is a row here and a file of
// package build, which opens it.
var environments = []struct {
	kind   Kind
	about  string // for the schema
	digest bool   // the recipe may state a sha256 of it
	named  bool   // it may hold several, of which the recipe chooses one by ref

	read func(p *parser, n *form.Node, e *Environment) // nil: the value is a path
}{
	{kind: Host, about: "Programs of the building machine, with all that they need to start.", read: (*parser).host},
	{kind: Rootfs, about: "A root filesystem in a folder."},
	{kind: Tar, about: "A root filesystem in a tar archive, plain or compressed.", digest: true},
	{kind: OCI, about: "An OCI layout folder, OCI archive or docker-save archive.", digest: true, named: true},
	{kind: SIF, about: "An existing SIF image.", digest: true},
	{kind: Capture, about: "What a captured run read, by its record.", read: (*parser).capture},
}

// Kinds returns the kinds of environment.
func Kinds() []Kind {
	var all []Kind
	for _, k := range environments {
		all = append(all, k.kind)
	}
	return all
}

// Environment says where the programs that steps use come from.
type Environment struct {
	Kind     Kind
	Source   Text   // path, relative to the recipe's folder or absolute; empty for host
	Programs []Text // host: names looked up in PATH, or absolute paths
	Files    []Text // host, capture: absolute paths and globs of further files and folders
	Whole    bool   // capture: the packages that own what was read are taken whole
	CPU      string // profile of steps that name none
	Ref      Text   // oci: tag or annotated name of the image, where there are several
	SHA256   string // of the file; oci: of the image's manifest; empty if not stated
	Pos      Pos
}

// kindList lists the kinds, or only those of which a recipe may state a
// digest: "tar, oci, sif".
func kindList(digest bool) string {
	var names []string
	for _, k := range environments {
		if k.digest || !digest {
			names = append(names, string(k.kind))
		}
	}
	return strings.Join(names, ", ")
}

func (p *parser) environment(n *form.Node, env *Environment) {
	env.Pos = form.At(n)
	hasDigest, hasNames := false, false
	var fields []form.Field
	for _, k := range environments {
		fields = append(fields, form.May(string(k.kind), func(v *form.Node) {
			if k.read == nil {
				s, ok := p.Line(string(k.kind), v, nil)
				if !ok {
					return
				}
				env.Source = Text{s, form.At(v)}
			}
			if env.Kind != "" {
				p.Errorf(v, "environment: %s and %s: want exactly one source", env.Kind, k.kind)
			}
			env.Kind, hasDigest, hasNames = k.kind, k.digest, k.named
			if k.read != nil {
				k.read(p, v, env)
			}
		}))
	}
	ok := p.Mapping("environment", n, append(fields,
		form.May("cpu", p.StoreLine("cpu", &env.CPU, oneOf("profile", cpuProfiles))),
		form.May("ref", func(v *form.Node) {
			if s, ok := p.Line("ref", v, nil); ok {
				env.Ref = Text{s, form.At(v)}
			}
		}),
		form.May("sha256", p.StoreLine("sha256", &env.SHA256, checkSHA256)),
	))
	switch {
	case ok && env.Kind == "":
		if len(n.Content) == 0 {
			p.Errorf(n, "environment: want one of %s", kindList(false))
		} else if form.HasKey(n, "sha256") && len(n.Content) == 2 {
			p.Errorf(n, "environment: sha256 of what? want one of %s", kindList(true))
		}
	case env.Ref.Value != "" && !hasNames:
		p.Errorf(n, "environment: ref does not go with %s: only an oci layout or archive holds several images", env.Kind)
	case env.SHA256 != "" && !hasDigest:
		p.Errorf(n, "environment: sha256 does not go with %s: only one of %s has a digest", env.Kind, kindList(true))
	}
}

// environmentSchema returns the properties of the kinds that are paths, and
// the alternatives of which a recipe has exactly one.
func environmentSchema() (properties, alternatives string) {
	var paths, all []string
	for _, k := range environments {
		if k.read == nil {
			paths = append(paths, fmt.Sprintf(`"%s": {"$ref": "#/$defs/line", "description": %q}`, k.kind, k.about))
		}
		one := fmt.Sprintf(`{"required": ["%s"]}`, k.kind)
		switch {
		case !k.digest:
			one = fmt.Sprintf(`{"required": ["%s"], "not": {"anyOf": [{"required": ["sha256"]}, {"required": ["ref"]}]}}`, k.kind)
		case !k.named:
			one = fmt.Sprintf(`{"required": ["%s"], "not": {"required": ["ref"]}}`, k.kind)
		}
		all = append(all, one)
	}
	return strings.Join(paths, ",\n        "), strings.Join(all, ",\n        ")
}

// host reads {programs: [...], files: [...]}, or just the list of programs.
func (p *parser) host(n *form.Node, env *Environment) {
	programs := func(v *form.Node) {
		if env.Programs = p.texts("programs", v, checkProgram); form.IsList(v) && len(v.Content) == 0 {
			p.Errorf(v, "programs: want at least one, such as sh")
		}
	}
	if form.IsList(n) {
		programs(n)
		return
	}
	p.Mapping("host", n, []form.Field{
		form.Must("programs", programs),
		form.May("files", func(v *form.Node) { env.Files = p.texts("files", v, checkHostFile) }),
	})
}

// capture reads {record: ..., packages: whole, files: [...]}, or just the path
// of the record.
func (p *parser) capture(n *form.Node, env *Environment) {
	record := func(v *form.Node) {
		if s, ok := p.Line("record", v, nil); ok {
			env.Source = Text{s, form.At(v)}
		}
	}
	if form.IsScalar(n) {
		record(n)
		return
	}
	var packages string
	p.Mapping("capture", n, []form.Field{
		form.Must("record", record),
		form.May("packages", p.StoreLine("packages", &packages, oneOf("word", []string{"whole"}))),
		form.May("files", func(v *form.Node) { env.Files = p.texts("files", v, checkHostFile) }),
	})
	env.Whole = packages == "whole"
}

func checkProgram(s string) string {
	switch {
	case strings.HasPrefix(s, "/"):
		return checkHostFile(s)
	case strings.Contains(s, "/"):
		return "want a name that is looked up in PATH, or an absolute path"
	case IsGlob(s), strings.ContainsAny(s, " "):
		return "want the name of one program"
	}
	return ""
}

func checkHostFile(s string) string {
	switch {
	case !strings.HasPrefix(s, "/"):
		return "want an absolute path on the building machine; files of the experiment belong under code or data"
	case path.Clean(s) == "/":
		return "that is the whole machine"
	}
	if why := checkGlob(strings.TrimLeft(s, "/")); why != "" {
		return why
	}
	return ""
}
