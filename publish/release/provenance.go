package release

import (
	"encoding/json"
	"strings"

	"repro/format/bundle"
	"repro/key"
)

// Source is what a release was built of.
type Source struct {
	Version string // v1.2.3
	Commit  string // of git, 40 hexadecimal digits
	Date    string // of the commit, RFC 3339
	Go      string // the toolchain's version
}

const (
	statementType  = "https://in-toto.io/Statement/v1"
	provenanceType = "https://slsa.dev/provenance/v1"
	payloadType    = "application/vnd.in-toto+json"
	buildType      = "https://repro.dev/release/v1"
)

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

type dependency struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest,omitempty"`
}

type provenance struct {
	BuildDefinition struct {
		BuildType            string            `json:"buildType"`
		ExternalParameters   map[string]string `json:"externalParameters"`
		ResolvedDependencies []dependency      `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Builder struct {
			ID string `json:"id"`
		} `json:"builder"`
	} `json:"runDetails"`
}

// Provenance returns the in-toto statement with SLSA's provenance, version 1, that
// says what the files were built of and how: a function of both, since the builds
// are. The builder is whoever signs it: anybody can repeat the build.
func Provenance(s Source, files []Sum) ([]byte, error) {
	var p provenance
	p.BuildDefinition.BuildType = buildType
	p.BuildDefinition.ExternalParameters = map[string]string{"version": s.Version, "date": s.Date, "command": "script/release"}
	p.BuildDefinition.ResolvedDependencies = []dependency{
		{URI: "git+repro", Digest: map[string]string{"gitCommit": s.Commit}},
		{URI: "pkg:golang/toolchain@" + s.Go},
	}
	p.RunDetails.Builder.ID = buildType + "/anybody"
	subjects := []subject{}
	for _, f := range files {
		subjects = append(subjects, subject{f.Name, map[string]string{"sha256": strings.TrimPrefix(string(f.Digest), "sha256:")}})
	}
	return json.Marshal(struct {
		Type          string     `json:"_type"`
		Subject       []subject  `json:"subject"`
		PredicateType string     `json:"predicateType"`
		Predicate     provenance `json:"predicate"`
	}{statementType, subjects, provenanceType, p})
}

// SignStatement signs an in-toto statement, as cosign attest-blob does.
func SignStatement(k *key.Private, statement []byte) ([]byte, error) {
	e := &bundle.Envelope{PayloadType: payloadType, Payload: statement, KeyID: string(k.Fingerprint())}
	var err error
	if e.Signature, err = k.Sign(e.Signed()); err != nil {
		return nil, err
	}
	b := bundle.Bundle{KeyHint: string(k.Fingerprint()), Envelope: e}
	return b.Encode(), nil
}
