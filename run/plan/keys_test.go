package plan

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"repro/format/manifest"
	"repro/report"
)

// changed returns the fields of a struct, by dotted names, each with a copy of
// the struct in which only that field has another value.
func changed(t *testing.T, value reflect.Value, prefix string) map[string]reflect.Value {
	t.Helper()
	out := map[string]reflect.Value{}
	for i := range value.NumField() {
		name := prefix + value.Type().Field(i).Name
		edit := func(f func(field reflect.Value)) {
			c := reflect.New(value.Type()).Elem()
			c.Set(value)
			f(c.Field(i))
			out[name] = c
		}
		switch field := value.Field(i); {
		case field.Kind() == reflect.String:
			edit(func(f reflect.Value) { f.SetString(f.String() + "x") })
		case field.CanInt():
			edit(func(f reflect.Value) { f.SetInt(f.Int() + 1) })
		case field.Kind() == reflect.Bool:
			edit(func(f reflect.Value) { f.SetBool(!f.Bool()) })
		case field.Type() == reflect.TypeFor[[]string]():
			edit(func(f reflect.Value) { f.Set(reflect.ValueOf(append([]string{"x"}, f.Interface().([]string)...))) })
		case field.Type() == reflect.TypeFor[map[string]string]():
			edit(func(f reflect.Value) { f.Set(reflect.ValueOf(map[string]string{"X": "1"})) })
		case field.Type() == reflect.TypeFor[*manifest.Quick]():
			edit(func(f reflect.Value) { f.Set(reflect.ValueOf(&manifest.Quick{Skip: true})) })
		case field.Type() == reflect.TypeFor[[]report.HostFile]():
			edit(func(f reflect.Value) { f.Set(reflect.ValueOf([]report.HostFile{{Path: "/x"}})) })
		case field.Kind() == reflect.Struct:
			for inner, c := range changed(t, field, name+".") {
				edit(func(f reflect.Value) { f.Set(c) })
				out[inner] = out[name]
			}
			delete(out, name)
		default:
			t.Fatalf("%s: this test does not know how to change a %s", name, field.Type())
		}
	}
	return out
}

func keysOf(t *testing.T, p *Plan, s Settings) []manifest.Digest {
	t.Helper()
	keys, err := p.Keys(s)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Every setting that a step's files may depend on changes its key. A field that
// is added to Settings counts, unless it is listed here.
func TestKeysDependOnSettings(t *testing.T) {
	ignored := []string{"Machine.CPUs", "Machine.Memory", "Machine.Repro"}
	p := &Plan{Steps: []manifest.Step{{Name: "a"}, {Name: "b"}}, Needs: [][]int{{}, {0}}}
	settings := Settings{Image: "sha256:1", Program: "1", Binds: []string{"/a:/b"}, Machine: report.Machine{Arch: "amd64", CPUs: 2}}
	before := keysOf(t, p, settings)
	for name, c := range changed(t, reflect.ValueOf(settings), "") {
		after := keysOf(t, p, c.Interface().(Settings))
		for i := range before {
			if same := before[i] == after[i]; same != slices.Contains(ignored, name) {
				t.Errorf("%s changed: key of step %d is the same: %v", name, i, same)
			}
		}
	}
}

// So does everything that a step says, but for its limits and what belongs to
// another profile.
func TestKeysDependOnStep(t *testing.T) {
	ignored := []string{"Memory", "Time", "Takes", "Quick"}
	step := manifest.Step{Name: "a", Command: []string{"x"}, Dir: "/paper", Outputs: []string{"/paper/o"}, CPUs: 1}
	other := manifest.Step{Name: "other"}
	before := keysOf(t, &Plan{Steps: []manifest.Step{step, other}, Needs: [][]int{{}, {}}}, Settings{})
	for name, c := range changed(t, reflect.ValueOf(step), "") {
		after := keysOf(t, &Plan{Steps: []manifest.Step{c.Interface().(manifest.Step), other}, Needs: [][]int{{}, {}}}, Settings{})
		if same := before[0] == after[0]; same != slices.Contains(ignored, name) {
			t.Errorf("%s changed: key is the same: %v", name, same)
		}
		if before[1] != after[1] {
			t.Errorf("%s changed: another step's key changed", name)
		}
	}
}

// A step's files depend on what its predecessors wrote, and on their order.
func TestKeysDependOnNeeds(t *testing.T) {
	steps := []manifest.Step{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}}
	before := keysOf(t, &Plan{Steps: steps, Needs: [][]int{{}, {0}, {0, 1}, {}}}, Settings{})
	seen := map[manifest.Digest]int{}
	for i, k := range before {
		if j, twice := seen[k]; twice {
			t.Errorf("steps %d and %d share a key", i, j)
		}
		seen[k] = i
	}
	other := slices.Clone(steps)
	other[0].Command = []string{"x"}
	after := keysOf(t, &Plan{Steps: other, Needs: [][]int{{}, {0}, {0, 1}, {}}}, Settings{})
	if got := fmt.Sprint(before[0] == after[0], before[1] == after[1], before[2] == after[2], before[3] == after[3]); got != "false false false true" {
		t.Errorf("after a change of the first step, keys are the same: %s", got)
	}
	fewer := keysOf(t, &Plan{Steps: steps, Needs: [][]int{{}, {0}, {1}, {}}}, Settings{})
	swapped := keysOf(t, &Plan{Steps: steps, Needs: [][]int{{}, {0}, {1, 0}, {}}}, Settings{})
	if before[2] == fewer[2] || before[2] == swapped[2] || fewer[2] == swapped[2] {
		t.Error("what a step needs, and in what order, does not change its key")
	}
}
