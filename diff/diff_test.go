package diff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"repro/format"
	"repro/format/manifest"
	"repro/report"
)

func TestIdentical(t *testing.T) {
	r := images(t, plainSpec(), plainSpec(), Options{})
	if r.Verdict != report.Identical || r.Reason != "nothing differs" {
		t.Errorf("%s: %s", r.Verdict, r.Reason)
	}
	if len(r.Values)+len(r.Objects)+len(r.Layers) != 0 || r.Omitted != 0 {
		t.Errorf("%+v", r)
	}
	if r.A.ContentID != r.B.ContentID || r.A.ContentID == "" || r.A.Size != r.B.Size || r.A.Size == 0 || r.Version != report.Version {
		t.Errorf("%+v %+v", r.A, r.B)
	}
}

// TestStored: what only says how a layer is stored is no difference in content.
func TestStored(t *testing.T) {
	gzip, small := plainSpec(), plainSpec()
	gzip.codec, small.blockSize = otherCodec(t), 4096
	for _, c := range []struct {
		name string
		b    spec
		what string
	}{
		{"codec", gzip, "codec "},
		{"block size", small, "blocks of 524288 bytes, then of 4096"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := images(t, plainSpec(), c.b, Options{})
			if r.Verdict != report.SameContent || r.Reason != "the same content; only these differ: how layers are stored" {
				t.Errorf("%s: %s", r.Verdict, r.Reason)
			}
			if len(r.Layers) == 0 {
				t.Fatal("no layer is stored otherwise")
			}
			for _, l := range r.Layers {
				if l.Change != report.DiffStored || !strings.HasPrefix(l.What, c.what) || l.Added+l.Removed+l.Changed != 0 {
					t.Errorf("%+v", l)
				}
			}
		})
	}
}

// TestLayers: of the layers' files, those that were added, removed and changed
// are counted and named, and the rest is not.
func TestLayers(t *testing.T) {
	b := plainSpec()
	b.layers[1].files = map[string]string{"paper/table.csv": "name,value\npi,3.1417\n", "paper/new.sh": "false\n", "paper/x/y": "z"}
	r := images(t, plainSpec(), b, Options{})
	if r.Verdict != report.Differs || r.Reason != "these differ: layer code" || len(r.Layers) != 1 {
		t.Fatalf("%s: %s\n%+v", r.Verdict, r.Reason, r.Layers)
	}
	l := r.Layers[0]
	if l.Name != "code" || l.Change != report.DiffChanged || l.Added != 3 || l.Removed != 1 || l.Changed != 1 || l.Omitted != 0 {
		t.Errorf("%+v", l)
	}
	var got []string
	for _, f := range l.Files {
		got = append(got, fmt.Sprintf("%s %s %d %d", f.Change, f.Name, f.SizeA, f.SizeB))
	}
	want := []string{
		"removed /paper/fit.sh 5 0", "added /paper/new.sh 0 6", "changed /paper/table.csv 21 21",
		"added /paper/x 0 0", "added /paper/x/y 0 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	table := l.Files[2]
	if table.KindAs != "csv" || !strings.HasPrefix(table.What, "content: ") || !strings.Contains(table.Diff, "-pi,3.1416\n+pi,3.1417\n") ||
		table.Worst == nil || table.Worst.Published != "3.1416" || table.Worst.New != "3.1417" {
		t.Errorf("%+v, worst %+v", table, table.Worst)
	}
	limited := images(t, plainSpec(), b, Options{Limit: 2}).Layers[0]
	if len(limited.Files) != 2 || limited.Omitted != 3 || limited.Added != 3 || limited.Removed != 1 || limited.Changed != 1 {
		t.Errorf("with a limit: %+v", limited)
	}
}

func TestLayersComeAndGo(t *testing.T) {
	without, swapped := plainSpec(), plainSpec()
	without.layers = without.layers[:2]
	r := images(t, plainSpec(), without, Options{})
	if len(r.Layers) != 1 || r.Layers[0].Name != "data" || r.Layers[0].Change != report.DiffRemoved || r.Layers[0].Removed != 3 || r.Verdict != report.Differs {
		t.Errorf("without a layer: %s, %+v", r.Verdict, r.Layers)
	}
	r = images(t, without, plainSpec(), Options{})
	if len(r.Layers) != 1 || r.Layers[0].Name != "data" || r.Layers[0].Change != report.DiffAdded || r.Layers[0].Added != 3 || r.Verdict != report.Differs {
		t.Errorf("with another layer: %s, %+v", r.Verdict, r.Layers)
	}
	slices.Reverse(swapped.layers[1:])
	r = images(t, plainSpec(), swapped, Options{})
	if len(r.Layers) != 1 || r.Layers[0].What != "the layers lie over each other in another order" || r.Verdict != report.Differs {
		t.Errorf("layers in another order: %s, %+v", r.Verdict, r.Layers)
	}
}

// TestObjects: the recipe is shown inside; signatures do not count.
func TestObjects(t *testing.T) {
	b := plainSpec()
	b.recipe = "title: T\nmore: 1\n"
	r := images(t, plainSpec(), b, Options{})
	if r.Verdict != report.Differs || r.Reason != "these differ: repro.yaml" || len(r.Objects) != 1 || len(r.Layers) != 0 {
		t.Fatalf("%s: %s\n%+v", r.Verdict, r.Reason, r)
	}
	if o := r.Objects[0]; o.Change != report.DiffChanged || o.Name != format.RecipeName || o.SizeA != 9 || o.SizeB != 17 || o.KindAs != "yaml" || !strings.Contains(o.What, "more") {
		t.Errorf("%+v", o)
	}
}

func TestSignatures(t *testing.T) {
	plain, one, other := open(t, plainSpec()), open(t, plainSpec()), open(t, plainSpec())
	add := func(im *format.Image, data string) *format.Image {
		o := format.NewObject{Data: []byte(data), Hash: format.HashSHA256}
		if err := format.Append(context.Background(), im.Name(), o); err != nil {
			t.Fatal(err)
		}
		im, err := format.Open(im.Name())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { im.Close() })
		return im
	}
	one, other = add(one, "first"), add(other, "other")
	for _, c := range []struct {
		name    string
		a, b    *format.Image
		verdict report.Verdict
		changes []string
	}{
		{"none", plain, plain, report.Identical, nil},
		{"the same", one, one, report.Identical, nil},
		{"added", plain, one, report.SameContent, []string{report.DiffAdded}},
		{"removed", one, plain, report.SameContent, []string{report.DiffRemoved}},
		{"another", one, other, report.SameContent, []string{report.DiffRemoved, report.DiffAdded}},
	} {
		r, err := Images(context.Background(), c.a, c.b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range r.Objects {
			got = append(got, o.Change)
			if !strings.HasPrefix(o.Name, "signature ") || o.SizeA+o.SizeB != 5 {
				t.Errorf("%s: %+v", c.name, o)
			}
		}
		if r.Verdict != c.verdict || !slices.Equal(got, c.changes) {
			t.Errorf("%s: %s, %q, want %s, %q", c.name, r.Verdict, got, c.verdict, c.changes)
		}
		if c.verdict == report.SameContent && r.Reason != "the same content; only these differ: signatures" {
			t.Errorf("%s: %s", c.name, r.Reason)
		}
	}
}

// TestAltered: a layer that differs from its signed digest is an error, not a
// difference.
func TestAltered(t *testing.T) {
	b := plainSpec()
	b.layers[1].files = map[string]string{"paper/fit.sh": repeat("a line of text\n", 5000)}
	good, bad := open(t, plainSpec()), open(t, b)
	o := bad.Objects()[slices.IndexFunc(bad.Objects(), func(o format.Object) bool { return o.Name == "code" })]
	content, err := os.ReadFile(bad.Name())
	if err != nil {
		t.Fatal(err)
	}
	content[o.Offset+200] ^= 1
	altered, err := format.New(bytes.NewReader(content), int64(len(content)), "altered.sif")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := Images(context.Background(), good, altered, Options{}); !errors.Is(err, format.ErrAltered) {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestCancelled(t *testing.T) {
	b := plainSpec()
	b.layers[1].files = map[string]string{"paper/fit.sh": "twoo\n", "paper/table.csv": "name,value\npi,3.1417\n"}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := Images(ctx, open(t, plainSpec()), open(t, b), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0 values", 1: "1 value", 2: "2 values"} {
		if got := count(n, "value"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	b := plainSpec()
	b.manifest.Paper.Title, b.manifest.Steps = "U", []manifest.Step{{Name: "fit", Command: []string{"sh", "-e", "fit.sh"}, Dir: "/paper"}}
	r := images(t, plainSpec(), b, Options{})
	if r.Verdict != report.Differs || r.Reason != "these differ: 3 values" {
		t.Errorf("%s: %s %+v", r.Verdict, r.Reason, r.Values)
	}
	if r = images(t, plainSpec(), b, Options{Limit: 1}); len(r.Values) != 1 || r.Omitted != 2 || r.Reason != "these differ: 3 values" {
		t.Errorf("with a limit: %+v, %d omitted: %s", r.Values, r.Omitted, r.Reason)
	}
}
