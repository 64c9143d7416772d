package compare

import (
	"slices"
	"strings"

	"repro/internal/pattern"
)

// What of HTML carries nothing (SPEC.md CMP-123a): how a cell is laid out, and
// names that a program made up. A width may be a bar, a margin a point of a
// plot, a class an icon: all else counts.
var (
	layoutAttributes = []string{"align", "valign", "border", "cellpadding", "cellspacing"}
	layoutStyles     = []string{"text-align", "vertical-align", "font-family", "border-collapse", "border-spacing"}
	layoutClasses    = []string{"dataframe", "table", "table-striped", "table-bordered", "table-hover", "table-sm", "table-condensed"}
	idAttributes     = []string{"id", "for", "headers", "aria-labelledby", "aria-describedby", "aria-controls"}
)

// layoutTags lay out a table. Between two of them browsers show no text.
var layoutTags = []string{"<table>", "<colgroup>", "<col>", "</colgroup>", "<thead>", "</thead>", "<tbody>", "</tbody>",
	"<tfoot>", "</tfoot>", "<tr>", "</tr>", "<th>", "</th>", "<td>", "</td>", "</table>"}

// madeUp is an id that a program draws anew each time: a UUID, or the prefix
// that pandas gives the cells of a styled table.
var madeUp = pattern.New(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$|^T_[0-9a-f]{5,}(?:_[a-z0-9_]+)?$`)

// identifiers are the words of scripts and style sheets that may be ids.
var identifiers = pattern.New(`[A-Za-z0-9_-]+`)

// plainHTML returns the facts without the attributes that carry nothing, and
// with ids named in the order in which they are given.
func plainHTML(list []fact) []fact {
	names, raw := idsOf(list)
	out := list[:0]
	tag := "" // what stands before this fact; texts begin with another word
	for i, f := range list {
		if f.text == "blank" && slices.Contains(layoutTags, tag) && i+1 < len(list) && slices.Contains(layoutTags, list[i+1].text) {
			continue
		}
		if !strings.HasPrefix(f.text, "@") { // an attribute of it
			tag = f.text
		}
		switch {
		case strings.HasPrefix(f.text, "@"):
			if f.text = plainAttribute(f.text, names, raw); f.text == "" {
				continue
			}
		case strings.HasPrefix(f.text, "raw "):
			f.text = identifiers.Regexp().ReplaceAllStringFunc(f.text, func(word string) string {
				if name := names[word]; name != "" && madeUp.MatchString(word) {
					return name
				}
				return word
			})
		}
		out = append(out, f)
	}
	return out
}

// idsOf names the ids in their order, and lists the words of scripts and style
// sheets. An id that is given twice, or that these name though nobody made it
// up, keeps its name: there it may be something else.
func idsOf(list []fact) (names map[string]string, raw map[string]bool) {
	names, raw = map[string]string{}, map[string]bool{}
	for _, f := range list {
		if text, ok := strings.CutPrefix(f.text, "raw "); ok {
			for _, word := range identifiers.Regexp().FindAllString(text, -1) {
				raw[word] = true
			}
		}
	}
	twice := map[string]bool{}
	for _, f := range list {
		id, ok := strings.CutPrefix(f.text, "@id = ")
		if !ok {
			continue
		}
		if _, seen := names[id]; seen {
			twice[id] = true
			continue
		}
		names[id] = "id" + itoa(len(names)+1)
	}
	for id := range names {
		if twice[id] || raw[id] && !madeUp.MatchString(id) {
			names[id] = id
		}
	}
	return names, raw
}

// plainAttribute is an attribute as it is compared; empty if nothing is left.
func plainAttribute(text string, names map[string]string, raw map[string]bool) string {
	key, value, _ := strings.Cut(text[1:], " = ")
	switch {
	case slices.Contains(layoutAttributes, key):
		return ""
	case key == "style":
		value = strings.Join(slices.DeleteFunc(strings.Split(value, ";"), func(d string) bool {
			property, _, _ := strings.Cut(d, ":")
			return strings.TrimSpace(d) == "" || slices.Contains(layoutStyles, strings.ToLower(strings.TrimSpace(property)))
		}), ";")
	case key == "class":
		value = strings.Join(slices.DeleteFunc(strings.Fields(value), func(c string) bool {
			return slices.Contains(layoutClasses, c) && !raw[c]
		}), " ")
	case slices.Contains(idAttributes, key):
		return "@" + key + " = " + renamedIDs(strings.Fields(value), names)
	case key == "href" && strings.HasPrefix(value, "#") && names[value[1:]] != "":
		return "@href = #" + names[value[1:]]
	default:
		return text
	}
	if value == "" {
		return ""
	}
	return "@" + key + " = " + value
}

func renamedIDs(ids []string, names map[string]string) string {
	for i, id := range ids {
		if name := names[id]; name != "" {
			ids[i] = name
		}
	}
	return strings.Join(ids, " ")
}
