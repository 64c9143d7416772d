package manifest

import (
	"reflect"
	"testing"
)

func TestHiding(t *testing.T) {
	m := &Manifest{Steps: []Step{{Name: "a", Outputs: []string{"/paper/a.ipynb", "/paper/o"}}, {Name: "b", Outputs: []string{"/paper/p"}}}, Notebooks: []string{"/paper/a.ipynb"}}
	got := m.Hiding()
	if want := []Step{{Name: "a", Outputs: []string{"/paper/o"}}, {Name: "b", Outputs: []string{"/paper/p"}}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if len(m.Steps[0].Outputs) != 2 {
		t.Errorf("the steps themselves changed: %+v", m.Steps)
	}
}
