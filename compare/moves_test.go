package compare

import (
	"context"
	"reflect"
	"testing"
	"testing/fstest"

	"repro/format/manifest"
	"repro/report"
)

func moves(t *testing.T, rule manifest.Rule, name string, runs ...string) (*Moves, []bool) {
	t.Helper()
	file := func(text string) File {
		return File{FS: fstest.MapFS{name: {Data: []byte(text)}}, Name: name}
	}
	m := NewMoves(file(runs[0]), rule)
	var same []bool
	for _, text := range runs[1:] {
		ok, err := m.Add(context.Background(), file(text))
		if err != nil {
			t.Fatal(err)
		}
		same = append(same, ok)
	}
	return m, same
}

func TestMoves(t *testing.T) {
	m, same := moves(t, manifest.Rule{Absolute: "9", Random: true, Spread: "s"}, "t.csv",
		"k,x,y\na,100,1.50\nb,2,7\n", "k,x,y\na,100,1.50\nb,2.5,7\n", "k,x,y\na,100,1.50\r\nb,2,7\r\n", "k,x,y\na,100,1.52\nb,1,7\n")
	if !reflect.DeepEqual(same, []bool{false, true, false}) {
		t.Errorf("same: %v", same)
	}
	want := report.ResultSpread{Moved: 2, Digits: "0.3", Places: []report.PlaceSpread{
		{Where: "row 1 (a), column y", Least: "1.50", Most: "1.52", Runs: []string{"1.50", "1.50", "1.50", "1.52"}},
		{Where: "row 2 (b), column x", Least: "1", Most: "2.5", Runs: []string{"2", "2.5", "2", "1"}},
	}}
	got := m.Spread()
	want.Norm = got.Norm // below
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Norm != "1.00e-2" { // 1 of 100; .02 of 7 and .5 of 100 are less
		t.Errorf("norm %s", got.Norm)
	}
}

func TestMovesOfText(t *testing.T) {
	m, same := moves(t, manifest.Rule{}, "t.txt", "loss 1.5\nok\n", "loss 1.5\nfailed\n", "loss 1.7\nok\n")
	got := m.Spread()
	if same[0] || same[1] || got.Other == "" || got.Norm != "" || len(got.Places) != 1 || got.Places[0].Most != "1.7" {
		t.Errorf("%v %+v", same, got)
	}
}

// TestPlacesAlike holds that places which two numbers share have no spread.
func TestPlacesAlike(t *testing.T) {
	m, _ := moves(t, manifest.Rule{Keys: []string{"a", "b"}}, "t.csv", // keys that print alike
		"a,b,x\np q,r,1.5\np,q r,0.1\n", "a,b,x\np q,r,1.6\np,q r,0.1\n", "a,b,x\np q,r,1.5\np,q r,0.2\n")
	if got := m.Spread(); len(got.Places) != 0 || got.Moved != 1 {
		t.Errorf("%+v", got)
	}
}

// TestLooked holds that runs which do not count leave no place.
func TestLooked(t *testing.T) {
	m, _ := moves(t, manifest.Rule{}, "t.txt", "1.5\n")
	same, err := m.Look(context.Background(), File{FS: fstest.MapFS{"t.txt": {Data: []byte("1.6\n")}}, Name: "t.txt"})
	if got := m.Spread(); same || err != nil || len(got.Places) != 0 || got.Identical {
		t.Errorf("%v %v %+v", same, err, got)
	}
}
