package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"repro/format/manifest"
	"repro/report"
)

// values compares the manifests, all but their lists of objects, which the
// objects themselves stand for.
func (d *differ) values() error {
	a, err := plain(d.a.manifest)
	if err != nil {
		return err
	}
	b, err := plain(d.b.manifest)
	if err != nil {
		return err
	}
	d.value(nil, a, b)
	return nil
}

// plain is a manifest as JSON has it.
func plain(m *manifest.Manifest) (any, error) {
	without := *m
	without.Objects = nil
	text, err := manifest.Marshal(without)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	return v, dec.Decode(&v)
}

// value compares two values; nil stands for one that is not there.
func (d *differ) value(at []string, a, b any) {
	ka, kb := members(a), members(b)
	if (ka == nil && a != nil) || (kb == nil && b != nil) || (ka == nil && kb == nil) {
		d.leaf(at, text(a), text(b))
		return
	}
	keys := maps.Clone(ka)
	if keys == nil {
		keys = map[string]any{}
	}
	maps.Copy(keys, kb)
	for _, key := range slices.SortedFunc(maps.Keys(keys), natural) {
		d.value(append(slices.Clone(at), key), ka[key], kb[key])
	}
}

// natural orders the places of a list by number.
func natural(a, b string) int {
	if len(a) != len(b) && isPlace(a) && isPlace(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func isPlace(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// leaf compares two values that hold no others, as text.
func (d *differ) leaf(at []string, a, b string) {
	switch {
	case a == b:
	case len(d.report.Values) >= d.o.Limit:
		d.report.Omitted++
	default:
		a, b = shorten(a, b)
		d.report.Values = append(d.report.Values, report.DiffValue{Where: strings.Join(at, "/"), A: a, B: b})
	}
}

// members are the values of an object by key; those of a list by the name that
// each has, else by their place. nil: neither an object nor a list.
func members(v any) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return v
	case []any:
		out := map[string]any{}
		for i, e := range v {
			key := fmt.Sprint(i)
			if m, ok := e.(map[string]any); ok {
				if name, ok := m["name"].(string); ok {
					key = name
				}
			}
			for out[key] != nil {
				key += "'" // two of one name
			}
			out[key] = e
		}
		return out
	}
	return nil
}

// maxValue bounds what is shown of one value, in bytes.
const maxValue = 400

// text returns a value as text; "" for one that is not there.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return fmt.Sprint(v)
}

// shorten cuts two texts that differ so that the difference is seen: what both
// begin with is left out of long ones, but for its end.
func shorten(a, b string) (string, string) {
	if len(a) <= maxValue && len(b) <= maxValue {
		return a, b
	}
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	const shown = maxValue / 4 // of what is the same
	from := max(0, same-shown)
	return cut(a, from), cut(b, from)
}

// cut returns at most maxValue bytes of s, beginning at from.
func cut(s string, from int) string {
	before, after := "", ""
	if from > 0 {
		before = "…"
	}
	if s = s[from:]; len(s) > maxValue {
		s, after = s[:maxValue], "…"
	}
	return before + strings.ToValidUTF8(s, "") + after
}
