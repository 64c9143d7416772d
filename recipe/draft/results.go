package draft

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"repro/recipe"
)

// claimResults finds the results: the files that a codechecker's manifest
// lists; without one, those that lie where results do; and the outputs that R
// keeps beside a script. None of them is code or data, whatever else it looks
// like, and nothing else that a codechecker made is.
func (w *draft) claimResults() {
	w.files = slices.DeleteFunc(w.files, func(f found) bool {
		return strings.HasPrefix(f.name, codecheckers) || strings.HasPrefix(f.name, "repro.new/")
	})
	listed := w.known.results.value
	listed = listed[:min(len(listed), maxResults)]
	byOutput := map[string]result{}
	taken := map[string]bool{}
	for _, p := range listed {
		r := w.locate(p)
		if _, twice := byOutput[r.output]; twice || r.author == "" && r.codechecker == "" {
			continue
		}
		byOutput[r.output] = r
		taken[r.author] = true
	}
	manifest := len(byOutput) > 0
	for i, f := range w.files {
		output := strings.TrimSuffix(f.name, ".save")
		switch _, twice := byOutput[output]; {
		case taken[f.name]:
			w.files[i].use = useOther
		case f.use != useResult:
		case manifest && output == f.name, twice, len(byOutput) == maxResults:
			w.files[i].use = useOther
			w.other++
		default:
			w.files[i].use = useOther
			byOutput[output] = result{output: output, author: f.name, codechecker: w.copied(f.name)}
		}
	}
	w.results = slices.SortedFunc(maps.Values(byOutput), func(a, b result) int { return cmp.Compare(a.output, b.output) })
}

// outputs are the results, as the steps leave them.
func (w *draft) outputs() (names []string) {
	for _, r := range w.results {
		names = append(names, r.output)
	}
	return names
}

func (w *draft) resultList() {
	w.printf(`
# What the paper reports: the file as published, kept out of sight of the steps,
# and the output that is compared with it (at the same place unless "published"
# says otherwise).
`)
	if w.other > 0 {
		w.printf("# Beside these %d more files lie in folders of results: name those that the paper\n# reports here, and those that the steps read under data.\n", w.other)
	}
	for _, name := range w.missing() {
		w.printf("# %s lists %s, which is not here.\n", w.known.results.from, quoted(name))
	}
	if len(w.results) == 0 {
		w.printf("# results:\n#   - {name: table-1, output: results/table1.csv, claim: \"Table 1\", compare: {kind: csv, digits: 4}}\n")
		return
	}
	w.printf("results:%s\n", from(w.known.results.from))
	taken := map[string]bool{}
	for _, r := range w.results {
		w.printf("  - name: %s\n    output: %s\n%s", quoted(resultName(r.output, taken)), quoted(r.output), r.published())
		if r.claim != "" && recipe.Wrong("claim", r.claim) == "" {
			w.printf("    claim: %s\n", quoted(r.claim))
		} else {
			w.printf("    # claim: what the paper says that rests on it\n")
		}
	}
}

// published writes where the published sets of a result lie.
func (r result) published() string {
	switch {
	case r.author != "" && r.codechecker != "":
		return "    published: {author: " + quotedInBraces(r.author) + ", codechecker: " + quotedInBraces(r.codechecker) + "}\n"
	case r.author == "" && r.output == r.codechecker:
		return "    # a codechecker's own: write where the steps leave it, and \"published\" for this\n"
	case r.author == "":
		return "    published: " + quoted(r.codechecker) + "   # a codechecker's own\n"
	case r.author != r.output:
		return "    published: " + quoted(r.author) + "\n"
	}
	return ""
}

// quotedInBraces writes s as YAML text within braces, where more characters
// than elsewhere mean something.
func quotedInBraces(s string) string {
	if strings.ContainsAny(s, ",[]{}") {
		return doubleQuoted(s)
	}
	return quoted(s)
}

// maxMissing bounds the files that a draft says are not there.
const maxMissing = 20

// missing are files that a manifest lists and nobody has.
func (w *draft) missing() (names []string) {
	all := w.known.results.value
	for _, p := range all[:min(len(all), maxResults)] {
		if r := w.locate(p); len(names) < maxMissing && plainName(p.file) && r.author == "" && r.codechecker == "" {
			names = append(names, p.file)
		}
	}
	return names
}
