package ods

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"repro/internal/badfile"
	"repro/internal/xlsx"
)

const start = `<?xml version="1.0"?><office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body><office:spreadsheet>`

func packed(t testing.TB, content string, others ...string) *zip.Reader {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range append([]string{"content.xml"}, others...) {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "content.xml" {
			_, _ = f.Write([]byte(content))
		}
	}
	w.Close()
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func table(rows string) string {
	return start + `<table:table table:name="A">` + rows + `</table:table></office:spreadsheet></office:body></office:document-content>`
}

func shown(sheets []xlsx.Sheet) string {
	var out []string
	for _, s := range sheets {
		for _, c := range s.Cells {
			out = append(out, fmt.Sprintf("%s!%s %s %q", s.Name, c.Place(), c.Kind, c.Text))
		}
	}
	return strings.Join(out, "; ")
}

func TestValues(t *testing.T) {
	for rows, want := range map[string]string{
		`<table:table-row><table:table-cell office:value-type="float" office:value="1.50"><text:p>1.5</text:p></table:table-cell></table:table-row>`:                                                                             `A!A1 number "1.5"`,
		`<table:table-row table:number-rows-repeated="2"/><table:table-row><table:table-cell table:number-columns-repeated="3"/><table:table-cell office:value-type="percentage" office:value="0.5"/></table:table-row>`:         `A!D3 number "0.5"`,
		`<table:table-row><table:table-cell office:value-type="string" table:number-columns-repeated="2"><text:p>a<text:s text:c="2"/>b</text:p><text:p>c<text:span>d</text:span></text:p></table:table-cell></table:table-row>`: `A!A1 text "a  b\ncd"; A!B1 text "a  b\ncd"`,
		`<table:table-row table:number-rows-repeated="2"><table:table-cell office:value-type="date" office:date-value="2026-01-02"/></table:table-row>`:                                                                          `A!A1 date "2026-01-02"; A!A2 date "2026-01-02"`,
		`<table:table-row><table:table-cell office:value-type="boolean" office:boolean-value="true"/><table:table-cell table:formula="of:=A1"/></table:table-row>`:                                                               `A!A1 truth value "true"; A!B1 formula without a value "of:=A1"`,
		`<table:table-row><table:table-cell office:value-type="float" office:value="0"><text:p>#DIV/0!</text:p></table:table-cell></table:table-row>`:                                                                            `A!A1 error "#DIV/0!"`,
		`<table:table-row><table:table-cell office:value-type="string"><office:annotation><text:p>a note</text:p></office:annotation><text:p>x</text:p></table:table-cell></table:table-row>`:                                    `A!A1 text "x"`,
		`<table:table-row><table:table-cell office:value-type="time" office:time-value="PT1H"/><table:table-cell office:value-type="string" office:string-value="s"><text:p>t</text:p></table:table-cell></table:table-row>`:     `A!A1 date "PT1H"; A!B1 text "s"`,
	} {
		got, err := Read(context.Background(), packed(t, table(rows)))
		if err != nil || shown(got) != want {
			t.Errorf("%s: %s %v; want %s", rows, shown(got), err, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	cell := func(a string) string {
		return table(`<table:table-row><table:table-cell ` + a + `/></table:table-row>`)
	}
	for content, want := range map[string]error{
		"":    badfile.ErrDamaged,
		start: badfile.ErrDamaged,
		cell(`office:value-type="float" office:value="x"`):                                       badfile.ErrDamaged,
		cell(`office:value-type="void"`):                                                         badfile.ErrUnread,
		cell(`table:number-columns-repeated="0"`):                                                badfile.ErrDamaged,
		cell(`office:value-type="float" office:value="1" table:number-columns-repeated="16385"`): badfile.ErrTooLarge,
		table(`<table:table-row table:number-rows-repeated="1048577"><table:table-cell office:value-type="float" office:value="1"/></table:table-row>`): badfile.ErrTooLarge,
		table(`<table:shapes/>`):               badfile.ErrUnread,
		table(`<table:table table:name="B"/>`): badfile.ErrUnread,
		start + `<table:table-row/>`:           badfile.ErrDamaged,
	} {
		if got, err := Read(context.Background(), packed(t, content)); !errors.Is(err, want) {
			t.Errorf("%s: %v %v, want %v", content, got, err, want)
		}
	}
	if _, err := Read(context.Background(), packed(t, table(""), "Object 1/content.xml")); !errors.Is(err, badfile.ErrUnread) {
		t.Errorf("a chart: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Read(ctx, packed(t, table(""))); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestWitness holds the cells of files that odfpy wrote against what pandas reads
// from them.
func TestWitness(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import odf, pandas").Run(); err != nil {
		t.Skip("needs odfpy and pandas (Debian packages python3-odf and python3-pandas)")
	}
	folder := t.TempDir()
	out, err := exec.Command(python, "testdata/witness.py", folder).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	z, err := zip.OpenReader(filepath.Join(folder, "a.ods"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	got, err := Read(context.Background(), &z.Reader)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for _, s := range got {
		for _, c := range s.Cells {
			lines[fmt.Sprintf("%s!%s %s %s", s.Name, c.Place(), c.Kind, c.Text)] = true
		}
	}
	want := strings.Split(strings.TrimSpace(string(out)), "\n")
	for _, line := range want {
		if !lines[line] {
			t.Errorf("the witness finds %s", line)
		}
	}
	if len(want) != len(lines) || len(want) < 80 {
		t.Errorf("%d cells, the witness has %d", len(lines), len(want))
	}
}

func FuzzRead(f *testing.F) {
	f.Add(table(`<table:table-row table:number-rows-repeated="2"><table:table-cell office:value-type="string" table:number-columns-repeated="2"><text:p>a<text:s text:c="2"/></text:p></table:table-cell></table:table-row>`))
	f.Add(table(`<table:table-row><table:table-cell office:value-type="float" office:value="1e5"/></table:table-row>`))
	f.Fuzz(func(t *testing.T, content string) {
		if _, err := Read(context.Background(), packed(t, content)); err != nil && !badfile.Is(err) {
			t.Fatal(err)
		}
	})
}
