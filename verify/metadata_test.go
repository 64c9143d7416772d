package verify

import (
	"testing"

	"repro/report"
)

const (
	header = `{"version":1,"header":{"digest":"sha256:00"},"objects":[`
	first  = `{"relativeId":0,"descriptorDigest":"sha256:01","objectDigest":"sha256:02"}`
	second = `{"relativeId":1,"descriptorDigest":"sha256:03","objectDigest":"sha256:04"}`
)

// TestParseMetadata: what SIF tools write, byte for byte, and nothing else.
func TestParseMetadata(t *testing.T) {
	for text, want := range map[string]bool{
		header + `]}`: true, header + first + `]}`: true, header + first + "," + second + `]}`: true,
		``: false, `null`: false, `{}`: false, header + `]} `: false, ` ` + header + `]}`: false,
		`{"version":2,"header":{"digest":"sha256:00"},"objects":[]}`:          false,
		`{"version":0,"header":{"digest":"sha256:00"},"objects":[]}`:          false,
		`{"version":1,"header":{"digest":"sha256:00"},"objects":[],"more":1}`: false,
		`{"version":"1","header":{"digest":"sha256:00"},"objects":[]}`:        false,
		`{"header":{"digest":"sha256:00"},"version":1,"objects":[]}`:          false,
	} {
		if _, ok := parseMetadata([]byte(text)); ok != want {
			t.Errorf("%s: %v", text, ok)
		}
	}
}

// TestDifference holds what a person is told of a signature over something
// else.
func TestDifference(t *testing.T) {
	v := &verification{report: &report.Verify{Objects: []report.ObjectStatus{{ID: 2, Name: "manifest"}, {ID: 3, Name: "recipe"}}}}
	const actual = header + first + "," + second + `]}`
	const another = "it is about another image, or this one before it was altered"
	for signed, want := range map[string]string{
		"text":                "it signs something else than a SIF file",
		actual:                "it is about another image",
		header + first + "]}": another,
		header + first + "," + second + "," + first + "]}":                                                     another,
		`{"version":1,"header":{"digest":"sha256:99"},"objects":[` + first + "," + second + `]}`:               another,
		header + first + `,{"relativeId":1,"descriptorDigest":"sha256:03","objectDigest":"sha256:99"}]}`:       `object 3 ("recipe") had other content when it was signed`,
		header + first + `,{"relativeId":1,"descriptorDigest":"sha256:99","objectDigest":"sha256:04"}]}`:       `object 3 ("recipe") had another descriptor when it was signed`,
		header + `{"relativeId":7,"descriptorDigest":"sha256:01","objectDigest":"sha256:02"},` + second + `]}`: `object 2 ("manifest") had another descriptor when it was signed`,
	} {
		if got := v.difference([]byte(signed), []byte(actual)); got != want {
			t.Errorf("%s: %q, want %q", signed, got, want)
		}
	}
	if got := v.difference([]byte(actual), []byte("text")); got != another {
		t.Error(got)
	}
}
