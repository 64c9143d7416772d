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
		d.leaf(at, show(a), show(b))
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

func (d *differ) leaf(at []string, a, b string) {
	switch {
	case a == b:
	case len(d.report.Values) >= d.o.Limit:
		d.report.Omitted++
	default:
		d.report.Values = append(d.report.Values, report.DiffValue{Where: strings.Join(at, "/"), A: a, B: b})
	}
}

// members are the values of an object by key; those of a list by the name that
// each has, else by their place. nil: neither an object nor a list, or one
// without anything in it.
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

func show(v any) string {
	if v == nil {
		return ""
	}
	text, ok := v.(string)
	if !ok {
		text = fmt.Sprint(v)
	}
	if len(text) > maxValue {
		return strings.ToValidUTF8(text[:maxValue], "") + "…"
	}
	return text
}
