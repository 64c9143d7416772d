package recipe

import (
	"slices"
	"testing"
)

func TestUnlistedLicences(t *testing.T) {
	for _, c := range []struct {
		paper, data string
		want        []string
	}{
		{"MIT", "CC0-1.0", nil},
		{"", "", nil},
		{"LicenseRef-Ours OR DocumentRef-x:LicenseRef-y", "", nil},
		{"(MIT AND GPL-2.0-only WITH Classpath-exception-2.0) OR Apache-2.0+", "", nil},
		{"Apache2", "", []string{`licence: "Apache2" is not on SPDX's list of licences: did you mean Apache-2.0?`}},
		{"mit", "CC-BY-4", []string{
			`licence: "mit" is not on SPDX's list of licences: did you mean MIT?`,
			`licence: "CC-BY-4" is not on SPDX's list of licences: did you mean CC-BY-4.0?`}},
		{"Our-Terms AND Our-Terms", "Our-Terms", []string{`licence: "Our-Terms" is not on SPDX's list of licences`}},
		{"GPL-2.0-only WITH MIT", "", []string{`licence: "MIT" is not on SPDX's list of exceptions`}},
		{"Classpath-exception-2.0", "", []string{`licence: "Classpath-exception-2.0" is not on SPDX's list of licences`}},
	} {
		r := &Recipe{Data: []Data{{Licence: c.data}}}
		r.Paper.Licence = c.paper
		var got []string
		for _, p := range r.UnlistedLicences() {
			got = append(got, p.Text)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q and %q: %q, want %q", c.paper, c.data, got, c.want)
		}
	}
}
