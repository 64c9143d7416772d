// Package provenance says, in the words of in-toto, where an image comes from
// and what its runs gave: statements (in-toto Attestation Framework v1) with
// the predicates of SLSA provenance v1 and of test results v0.1. SPEC.md, part
// PRV.
//
// A statement about the build is a function of the image alone. Everything
// that decides its bytes is in it: the sources by their digests, the recipe,
// the codec by name and version. Which release of the program ran, where and
// when, decides nothing and is left out, so that anyone who has the image can
// make the statement again and compare.
//
// Statements are one line of JSON each, keys in a fixed order, with a newline
// at the end. They are not signed here.
package provenance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"

	"repro/format"
	"repro/format/manifest"
	"repro/report"
)

// Types of what statements hold.
const (
	StatementType  = "https://in-toto.io/Statement/v1"
	BuildPredicate = "https://slsa.dev/provenance/v1"
	TestPredicate  = "https://in-toto.io/attestation/test-result/v0.1"
	RunPredicate   = "urn:repro:run:v1" // report.Run
	BuildType      = "urn:repro:build:v1"
	BuilderID      = "urn:repro:builder:v1"
)

// Statement says something about subjects.
type Statement struct {
	Type          string     `json:"_type"`
	Subject       []Resource `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     any        `json:"predicate"`
}

// Resource names a thing by its digest.
type Resource struct {
	Name   string            `json:"name,omitempty"`
	URI    string            `json:"uri,omitempty"`
	Digest map[string]string `json:"digest,omitempty"`
}

type build struct {
	Definition definition `json:"buildDefinition"`
	Details    details    `json:"runDetails"`
}

type definition struct {
	BuildType  string         `json:"buildType"`
	External   map[string]any `json:"externalParameters"`
	Internal   map[string]any `json:"internalParameters,omitempty"`
	Dependency []Resource     `json:"resolvedDependencies"`
}

type details struct {
	Builder builder `json:"builder"`
}

type builder struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version"`
}

// Subject names an image in statements: by its content id, which stays as it
// is when signatures are added to the file.
func Subject(name string, content manifest.Digest) Resource {
	return Resource{Name: name, URI: "urn:repro:content-id", Digest: digest(content)}
}

func digest(d manifest.Digest) map[string]string {
	sum, err := d.Sum()
	if err != nil {
		return nil
	}
	return map[string]string{"sha256": fmt.Sprintf("%x", sum)}
}

// Build returns the statement about how an image was built. The name is what
// the image is called in it.
func Build(im *format.Image, name string) ([]byte, error) {
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	content, err := im.ContentID()
	if err != nil {
		return nil, err
	}
	b := build{Definition: definition{
		BuildType: BuildType,
		External:  map[string]any{"recipe": format.RecipeName, "date": m.Paper.Date, "arch": m.Arch},
		Internal:  map[string]any{},
	}, Details: details{builder{BuilderID, map[string]string{"manifest": fmt.Sprint(m.Version)}}}}
	source := Resource{Name: "environment", URI: m.Environment.Kind + ":" + path.Base(m.Environment.Source), Digest: digest(m.Environment.Digest)}
	if m.Environment.Source == "" {
		source.URI = m.Environment.Kind + ":"
	}
	for _, o := range m.Objects {
		switch o.Role {
		case manifest.RoleRecipe:
			b.Definition.Dependency = append(b.Definition.Dependency, Resource{Name: o.Name, Digest: digest(o.Digest)})
		case manifest.RoleLayer, manifest.RoleHidden:
			b.Definition.Internal[o.Name] = map[string]any{"codec": o.Layer.Codec, "blockSize": o.Layer.BlockSize}
			layer := Resource{Name: o.Name + " (tree)", Digest: digest(o.Layer.Content)}
			if o.Name == format.EnvironmentName && source.Digest != nil {
				b.Definition.Dependency = append(b.Definition.Dependency, source)
			}
			b.Definition.Dependency = append(b.Definition.Dependency, layer)
		}
	}
	return line(Statement{StatementType, []Resource{Subject(name, content)}, BuildPredicate, b}), nil
}

// Run returns the statement that a run took place: its record is the
// predicate.
func Run(r *report.Run, name string) []byte {
	return line(Statement{StatementType, []Resource{Subject(name, r.ContentID)}, RunPredicate, r})
}

type testResult struct {
	Result        string     `json:"result"`
	Configuration []Resource `json:"configuration"`
	Passed        []string   `json:"passedTests,omitempty"`
	Warned        []string   `json:"warnedTests,omitempty"`
	Failed        []string   `json:"failedTests,omitempty"`
}

// Results returns the statement which published results a run reproduced: one
// test for each. What only eyes can decide is a warning.
func Results(r *report.Run, name string) []byte {
	t := testResult{Result: "PASSED", Configuration: []Resource{{Name: format.ManifestName, URI: "urn:repro:content-id", Digest: digest(r.ContentID)}}}
	for _, f := range r.Findings {
		switch {
		case f.Verdict.Reproduced():
			t.Passed = append(t.Passed, f.Result)
		case f.Verdict == report.NeedsEyes:
			t.Warned = append(t.Warned, f.Result)
		default:
			t.Failed = append(t.Failed, f.Result)
		}
	}
	switch {
	case len(t.Failed) > 0 || slices.ContainsFunc(r.Steps, func(s report.StepStatus) bool { return s.Status != "done" }):
		t.Result = "FAILED"
	case len(t.Warned) > 0:
		t.Result = "WARNED"
	}
	return line(Statement{StatementType, []Resource{Subject(name, r.ContentID)}, TestPredicate, t})
}

// line encodes text, numbers, lists and maps, which cannot fail.
func line(s Statement) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return nil
	}
	return b.Bytes()
}
