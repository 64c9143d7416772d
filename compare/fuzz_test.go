package compare

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"repro/format/manifest"
	"repro/report"
)

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.50", ".5e-3", "1.5D+03", "nan", "-inf", "007", "5.", "1e999", "0.000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var n number
		if n.parse([]byte(text)) != isNumber([]byte(text)) {
			t.Fatal("parse and isNumber disagree")
		}
		if !isNumber([]byte(text)) || n.class != finite {
			return
		}
		want := rational(strings.NewReplacer("d", "e", "D", "e").Replace(text))
		var got strings.Builder
		if n.neg {
			got.WriteByte('-')
		}
		got.WriteString("0" + string(n.digits))
		value := rational(got.String())
		if value.Mul(value, power(n.last)); value.Cmp(want) != 0 {
			t.Fatalf("%q is read as %s", text, value)
		}
		if f := asPrinted(&n, &n); !f.rounds || !f.truncates || f.coarse {
			t.Fatalf("%q is not itself", text)
		}
	})
}

func FuzzTokenize(f *testing.F) {
	for _, s := range []string{"x = 1.5, y=-2e5", "1,234 1.5,2.5", "2024-01-05T10:30:00Z", "a±1.5 10⁻³ −1", "\xff\xfe 1", "loss:0.5."} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		at := 0
		for _, tok := range tokenize(line, nil) {
			if tok.from < at || tok.to <= tok.from || len(bytes.Trim(line[at:tok.from], " \t")) != 0 {
				t.Fatalf("token %v after %d", tok, at)
			}
			if tok.number && !isNumber(tok.of(line)) {
				t.Fatalf("%q is no number", tok.of(line))
			}
			at = tok.to
		}
		if len(bytes.Trim(line[at:], " \t")) != 0 {
			t.Fatalf("%q is left over", line[at:])
		}
	})
}

// FuzzCSV holds the reader against encoding/csv, which passes over empty
// lines and takes CR for a line end in places.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\"a\"\"b\",c\r\n", "\"x\ny\",2", "a,,\n", "\ufeffa,b\n", "\"a\"b,c", "a\"b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := readRows(b)
		if bytes.ContainsAny(b, "\r\x00") || bytes.Contains(b, []byte("\n\n")) || bytes.HasPrefix(b, []byte("\n")) || bytes.HasPrefix(b, []byte("\ufeff")) {
			return
		}
		r := csv.NewReader(bytes.NewReader(b))
		r.FieldsPerRecord = -1
		want, wantErr := r.ReadAll()
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, encoding/csv says %v", b, err, wantErr)
		}
		if err != nil {
			return
		}
		if len(rows) != len(want) {
			t.Fatalf("%q: %d rows, encoding/csv reads %d", b, len(rows), len(want))
		}
		for i := range want {
			for j := range want[i] {
				if j >= len(rows[i]) || rows[i][j] != strings.Trim(want[i][j], " \t") {
					t.Fatalf("%q: row %d is %q, encoding/csv reads %q", b, i, rows[i], want[i])
				}
			}
		}
	})
}

func readRows(b []byte) ([][]string, error) {
	r := newRowReader(bytes.NewReader(b), ',', published)
	var out [][]string
	for {
		var it item
		err := r.read(&it)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, it.values())
	}
}

// FuzzJSON holds the reader against encoding/json, which takes doubled keys
// and text that is not UTF-8, and does not know NaN.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e-3,null,true,"x\u00e9\ud83d\ude00"]}`, `[NaN,-Infinity]`, `{"a":1,"a":2}`, "1 2 3", `"\ud800"`, `[1,]`, "01", `"\x"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := readJSON(bytes.NewReader(b), published)
		if err != nil {
			return
		}
		if v.kind == jsonNumber && !isNumber(v.text) && len(v.text) < maxDigits && !bytes.ContainsAny(v.text, "eE") {
			t.Fatalf("%q is no number", v.text)
		}
		if bytes.Contains(b, []byte("NaN")) || bytes.Contains(b, []byte("Infinity")) {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		for dec.More() {
			var any any
			if err := dec.Decode(&any); err != nil {
				t.Fatalf("%q: encoding/json says %v", b, err)
			}
		}
	})
}

func FuzzPNG(f *testing.F) {
	m := image.NewPaletted(image.Rect(0, 0, 3, 2), color.Palette{color.White, color.Black, color.Transparent})
	m.Pix[1], m.Pix[2] = 1, 2
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes(), b.Bytes())
	f.Add(b.Bytes()[:20], b.Bytes())
	f.Fuzz(func(t *testing.T, pub, new []byte) { checkPair(t, "a.png", pub, new, manifest.Rule{Score: "0.5"}) })
}

func FuzzFiles(f *testing.F) {
	for _, s := range []string{"a.txt", "a.csv", "a.tsv", "a.json"} {
		f.Add(s, []byte("k,v\na,1.5\nb,2\n"), []byte("k,v\nb,2\na,1.52\n"), "k", 3)
	}
	f.Add("a.json", []byte(`{"a":[1,{"b":2}]}`), []byte(`{"a":[1.0,{"b":3}]}`), "", 0)
	f.Fuzz(func(t *testing.T, name string, pub, new []byte, key string, digits int) {
		name = "a." + strings.TrimPrefix(extension(name), ".")
		if !strings.Contains(".txt .csv .tsv .json .png", extension(name)) || len(extension(name)) < 4 {
			return
		}
		r := manifest.Rule{Digits: digits & 15}
		if key != "" {
			r.Keys = []string{key}
		}
		checkPair(t, name, pub, new, r)
	})
}

// checkPair holds what is true of any two files.
func checkPair(t *testing.T, name string, pub, new []byte, r manifest.Rule) {
	t.Helper()
	a := File{FS: fstest.MapFS{name: {Data: pub}}, Name: name}
	b := File{FS: fstest.MapFS{name: {Data: new}}, Name: name}
	f, _, err := Explain(context.Background(), a, b, r)
	if err != nil {
		t.Fatal(err)
	}
	if f.Verdict == "" || f.Reason == "" {
		t.Fatalf("no verdict: %+v", f)
	}
	if (f.Verdict == report.Identical) != bytes.Equal(pub, new) {
		t.Fatalf("%s", f.Verdict)
	}
	if f.Verdict == report.Differs && f.Worst == nil && !strings.Contains(f.Reason, "is not") {
		t.Fatalf("differs nowhere: %+v", f)
	}
	if _, err := manifest.Marshal(f); err != nil && f.Rule.Keys == nil {
		t.Fatalf("%v: %+v", err, f)
	}
}

func FuzzGzip(f *testing.F) {
	pack := func(s string) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := io.WriteString(w, s); err != nil {
			f.Fatal(err)
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		return b.Bytes()
	}
	f.Add(pack("k,v\na,1.5\n"), pack("k,v\na,1.6\n"))
	f.Add(pack("k,v\na,1.5\n"), pack("k,v\n")[:12])
	f.Fuzz(func(t *testing.T, pub, new []byte) { checkPair(t, "a.csv.gz", pub, new, manifest.Rule{}) })
}
