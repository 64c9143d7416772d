package codecheck

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// whole meets every rule.
const whole = `---
version: https://codecheck.org.uk/spec/config/2.0/
paper:
  title: "T"
  authors:
    - name: Ada
      ORCID: 0000-0002-1825-0097
  reference: https://doi.org/10.1234/abc
  reference-other:
    - https://example.org/preprint
manifest:
  - file: out/a.csv
    comment: Table 1
codechecker:
  - name: Bob
    ORCID: 0000-0001-5109-3700
summary: It came out.
certificate: 2026-001
report: https://doi.org/10.5281/zenodo.1234
`

func unmet(name, text string) (ids []string) {
	for _, r := range Check(name, []byte(text), fstest.MapFS{"out/a.csv": {}}) {
		if !r.Met {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func TestEveryRuleCanFail(t *testing.T) {
	if ids := unmet("codecheck.yml", whole); ids != nil {
		t.Fatalf("a whole file breaks %v", ids)
	}
	hit := map[string]bool{}
	for _, c := range []struct{ old, replacement, want string }{
		{"title: \"T\"", "title: \"T", "CC-CFG-001"},
		{"---\n", "", "CC-CFG-002"},
		{"manifest:", "files:", "CC-CFG-004 CC-CFG-005 CC-CFG-006 CC-CFG-007 CC-BUN-001"},
		{"file: out/a.csv", "path: out/a.csv", "CC-CFG-005 CC-CFG-006"},
		{"file: out/a.csv", "file: /out/a.csv", "CC-CFG-006 CC-BUN-001"},
		{"file: out/a.csv", "file: ../a.csv", "CC-CFG-006 CC-BUN-001"},
		{"file: out/a.csv", "file: out/b.csv", "CC-BUN-001"},
		{"    comment: Table 1\n", "", "CC-CFG-007"},
		{"codechecker:\n  - name: Bob\n    ORCID: 0000-0001-5109-3700\n", "", "CC-CFG-008 CC-CFG-009 CC-CFG-010"},
		{"  - name: Bob\n    ORCID:", "  - ORCID:", "CC-CFG-009"},
		{"  - name: Bob\n    ORCID: 0000-0001-5109-3700\n", "  - name: Bob\n", "CC-CFG-010"},
		{"report: https://doi.org/10.5281/zenodo.1234\n", "", "CC-CFG-011 CC-CFG-012 CC-CFG-013"},
		{"report: https://doi.org/", "report: doi ", "CC-CFG-012"},
		{"zenodo.1234", "zenodo.FIXME", "CC-CFG-013 CC-CFG-023"},
		{"version: https://codecheck.org.uk/spec/config/2.0/\n", "", "CC-CFG-014 CC-CFG-015"},
		{"config/2.0/", "config/9.0/", "CC-CFG-015"},
		{"paper:\n", "article:\n", "CC-CFG-016 CC-CFG-017 CC-CFG-018 CC-CFG-019 CC-CFG-020 CC-CFG-021 CC-CFG-022 CC-CFG-027 CC-CFG-028 CC-CFG-031"},
		{"  title: \"T\"\n", "", "CC-CFG-017"},
		{"authors:\n    - name: Ada\n      ORCID: 0000-0002-1825-0097\n", "authors: []\n", "CC-CFG-018 CC-CFG-019 CC-CFG-020"},
		{"- name: Ada\n      ORCID", "- ORCID", "CC-CFG-019"},
		{"      ORCID: 0000-0002-1825-0097\n", "", "CC-CFG-020"},
		{"ORCID: 0000-0002-1825-0097", "ORCID: https://orcid.org/0000-0002-1825-0097", "CC-CFG-020 CC-MET-001"},
		{"ORCID: 0000-0002-1825-0097", "ORCID: 0000-0002-1825-0096", "CC-MET-001"},
		{"  reference: https://doi.org/10.1234/abc\n", "", "CC-CFG-021 CC-CFG-022 CC-CFG-027 CC-CFG-028 CC-CFG-031"},
		{"https://doi.org/10.1234/abc", "https://example.org/a.pdf", "CC-CFG-022 CC-CFG-028 CC-CFG-031"},
		{"https://doi.org/10.1234/abc", "https://web.archive.org/a.pdf", "CC-CFG-028"},
		{"https://doi.org/10.1234/abc", "see https://doi.org/10.1234/abc", "CC-CFG-027 CC-CFG-028"},
		{"summary: It came out.", "summary: TODO", "CC-CFG-023"},
		{"summary: It came out.\n", "", "CC-CFG-024"},
		{"certificate: 2026-001\n", "", "CC-CFG-025 CC-CFG-026"},
		{"certificate: 2026-001", "certificate: 2026-01", "CC-CFG-026"},
		{"reference-other:\n    - https://example.org/preprint\n", "reference-other: https://example.org/preprint\n", "CC-CFG-029"},
		{"- https://example.org/preprint", "- a preprint", "CC-CFG-030"},
	} {
		text := strings.Replace(whole, c.old, c.replacement, 1)
		if text == whole {
			t.Errorf("%q stands nowhere", c.old)
		}
		got := unmet("codecheck.yml", text)
		if c.want == "CC-CFG-001" {
			got = got[:1] // what cannot be read breaks most others, too
		}
		if want := strings.Fields(c.want); !slices.Equal(got, want) {
			t.Errorf("%q: breaks %v, want %v", c.replacement, got, want)
		}
		for _, id := range got {
			hit[id] = true
		}
	}
	if got := unmet("sub/check.yml", whole); !slices.Equal(got, []string{"CC-CFG-003"}) {
		t.Errorf("another name: %v", got)
	}
	hit["CC-CFG-003"] = true
	for i, r := range rules {
		if !hit[r.id] {
			t.Errorf("%s never fails here", r.id)
		}
		if i < 31 && !strings.HasSuffix(r.id, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}[(i+1)%10]) {
			t.Errorf("%s stands at place %d", r.id, i+1)
		}
	}
}

func TestORCID(t *testing.T) {
	for s, want := range map[string]bool{
		"0000-0002-1825-0097": true, "0000-0001-5109-3700": true, "0000-0002-1694-233X": true,
		"0000-0002-1694-2339": false, "0000-0002-1825-009": false, "0000-0002-1825-00970": false, "": false, "000X-0002-1825-0097": false,
	} {
		if validORCID(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}
