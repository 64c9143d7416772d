package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckBinds(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.MkdirAll(at("data/raw"), 0o755), os.MkdirAll(at("paper.run/outputs"), 0o755), os.Mkdir(at("other"), 0o755),
		os.Symlink(at("other"), at("data/link")), os.Symlink(at("data"), at("alias"))); err != nil {
		t.Fatal(err)
	}
	ro := func(name string) Bind { return Bind{Source: at(name), Target: "/mnt"} }
	rw := func(name string) Bind { return Bind{Source: at(name), Target: "/rw", Write: true} }
	for _, tt := range []struct {
		name  string
		binds []Bind
		want  string // in the error
	}{
		{"two folders", []Bind{rw("data"), ro("other")}, ""},
		{"one folder twice", []Bind{rw("data"), ro("data")}, ""},
		{"a folder in one to be read", []Bind{ro("data"), ro("data/raw")}, ""},
		{"a writable folder in one to be read", []Bind{ro("data"), rw("data/raw")}, ""},
		{"a folder in a writable one", []Bind{rw("data"), ro("data/raw")}, "put a link in its place"},
		{"the same, later and by a link", []Bind{ro("data/raw"), rw("alias")}, "put a link in its place"},
		{"a link in a writable one", []Bind{rw("data"), ro("data/link")}, "put a link in its place"},
		{"what holds the results", []Bind{ro(".")}, "it holds the results"},
		{"a part of the results", []Bind{rw("paper.run/outputs")}, "it is part of the results"},
		{"nothing", []Bind{ro("nothing")}, "no such file"},
	} {
		err := CheckBinds(tt.binds, map[string]string{at("paper.run"): "the results of this run"})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
