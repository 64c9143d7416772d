package repository

import (
	"slices"
	"strings"
	"testing"

	"repro/publish/repository/repositorytest"
)

// TestLateCopies removes what a server stored twice because its answer to the first
// try came too late, and nothing that was there before.
func TestLateCopies(t *testing.T) {
	im := newImage(t, 2000)
	a := repositorytest.NewDataverse()
	_, url := serve(t, a)
	o := options(t, dataverseTarget, url)
	o.Collection = "lab"
	rep, err := Deposit(t.Context(), im, o)
	if err != nil {
		t.Fatal(err)
	}
	_, _, files, _ := a.Holds()
	readme := files["README.md"]
	a.Put("notes.txt", []byte("mine"))
	net, late := serve(t, a) // the same account, by a network where a copy comes late
	net.Before = func(n int) {
		if n == 6 { // after the first look at what is there
			a.Put("README-1.md", readme)
		}
	}
	o.Server, o.State, o.Record = late, o.State+".2", rep.Record
	again, err := Deposit(t.Context(), im, o)
	if err != nil {
		t.Fatal(err)
	}
	_, _, files, _ = a.Holds()
	if !slices.ContainsFunc(net.Seen, func(s string) bool { return strings.HasPrefix(s, "DELETE /api/files/") }) {
		t.Errorf("no copy came late: %q", net.Seen)
	}
	if len(files) != 6 || files["notes.txt"] == nil || files["README-1.md"] != nil {
		t.Errorf("%d files", len(files))
	}
	if !strings.Contains(strings.Join(again.Notes, "\n"), "notes.txt is in the record too") {
		t.Errorf("notes %q", again.Notes)
	}
}
