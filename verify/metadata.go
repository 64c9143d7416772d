package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// metadata is what a SIF signature signs (SPEC.md, SIF).
type metadata struct {
	Version int              `json:"version"`
	Header  digestJSON       `json:"header"`
	Objects []objectMetadata `json:"objects"`
}

type digestJSON struct {
	Digest string `json:"digest"`
}

type objectMetadata struct {
	RelativeID       uint32 `json:"relativeId"`
	DescriptorDigest string `json:"descriptorDigest"`
	ObjectDigest     string `json:"objectDigest"`
}

// parseMetadata reads b, which must be exactly what SIF tools write.
func parseMetadata(b []byte) (*metadata, bool) {
	var m metadata
	if err := json.Unmarshal(b, &m); err != nil || m.Version != 1 {
		return nil, false
	}
	again, err := json.Marshal(m)
	return &m, err == nil && bytes.Equal(again, b)
}

// difference says for a person why the signed metadata are not those that the
// image has.
func (v *verification) difference(signed, actual []byte) string {
	s, ok := parseMetadata(signed)
	if !ok {
		return "it signs something else than a SIF file"
	}
	a, ok := parseMetadata(actual)
	if !ok || s.Header != a.Header || len(s.Objects) != len(a.Objects) {
		return "it is about another image, or this one before it was altered"
	}
	for i, o := range a.Objects {
		ob := v.report.Objects[i]
		switch {
		case s.Objects[i].ObjectDigest != o.ObjectDigest:
			return fmt.Sprintf("object %d (%q) had other content when it was signed", ob.ID, ob.Name)
		case s.Objects[i] != o:
			return fmt.Sprintf("object %d (%q) had another descriptor when it was signed", ob.ID, ob.Name)
		}
	}
	return "it is about another image"
}
