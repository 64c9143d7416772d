package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func command(name string, needs ...string) Job {
	return Job{Name: name, Needs: needs, Args: []string{"true"}}
}

func ids[T any](entries []*Entry[T]) (names string) {
	for _, e := range entries {
		names += string(e.ID) + " "
	}
	return strings.TrimSpace(names)
}

func TestTable(t *testing.T) {
	var table Table[int]
	if table.Len() != 0 || table.Get("1") != nil || table.Named("a") != nil || len(table.All()) != 0 || len(table.Open()) != 0 {
		t.Error("an empty table knows jobs")
	}
	a := table.Add(command("a"), "1")
	a.Own = 7
	table.Add(command("b", "a"), "2")
	c := table.Add(command("c", "a", "b", "earlier"), "3")
	if a.State.Phase != Waiting || table.Get("1") != a || table.Named("a").Own != 7 || table.Len() != 3 {
		t.Errorf("%+v", a)
	}
	if lost, waits := table.Needs(c.Job); lost != "" || ids(waits) != "1 2" {
		t.Errorf("%q %v", lost, waits)
	}
	a.State.Phase = Done
	if lost, waits := table.Needs(c.Job); lost != "" || ids(waits) != "2" || ids(table.Open()) != "2 3" || ids(table.All()) != "1 2 3" {
		t.Errorf("%q %v %v", lost, waits, table.Open())
	}
	table.Named("b").State.Phase = Failed
	if lost, waits := table.Needs(c.Job); lost != "b" || len(waits) != 0 {
		t.Errorf("%q %v", lost, waits)
	}
	if got := fmt.Sprint(table.States([]ID{"3", "x", "1"})); got != "[{waiting   false} {unknown   false} {done   false}]" {
		t.Error(got)
	}
	table.Truncate(1)
	if table.Len() != 1 || table.Named("b") != nil || table.Get("3") != nil || table.Named("a") != a {
		t.Errorf("%+v", table)
	}
	if s := Lost("b"); s.Phase != Skipped || s.Reason != `needs "b", which did not get done` {
		t.Errorf("%+v", s)
	}
}

func TestTableRefuses(t *testing.T) {
	var table Table[struct{}]
	table.Add(command("a"), "1")
	if _, err := table.Check([]Job{command("b"), {Name: "c"}}); err == nil || err.Error() != `job "c": has no command line` {
		t.Error(err)
	}
	if _, err := table.Check([]Job{command("a")}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Error(err)
	}
	if order, err := table.Check([]Job{command("c", "b"), command("b", "a")}); err != nil || fmt.Sprint(order) != "[1 0]" {
		t.Error(order, err)
	}
	numbers := func(id ID) error {
		if id != "2" && id != "3" {
			return errors.New("is no number")
		}
		return nil
	}
	for name, err := range map[string]error{
		`2 jobs have 1 names`:      table.Adopt([]Job{command("b"), command("c")}, []ID{"2"}, numbers),
		`job "a": submitted twice`: table.Adopt([]Job{command("a")}, []ID{"2"}, numbers),
		`job "c": is no number`:    table.Adopt([]Job{command("b"), command("c")}, []ID{"2", "x"}, numbers),
	} {
		if err == nil || err.Error() != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
	if table.Len() != 1 {
		t.Error("what was refused is known")
	}
	if err := table.Adopt([]Job{command("c", "b"), command("b")}, []ID{"3", "2"}, numbers); err != nil || ids(table.All()) != "1 2 3" {
		t.Error(err, ids(table.All()))
	}
}
