package notebook

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const whole = `{"cells":[{"cell_type":"code","execution_count":3,"id":"a","metadata":{"outputs":"kept"},
"outputs":[{"output_type":"stream","name":"stdout","text":["the answer is 42\n"]}],"source":["print(\"<42>\")"]},
{"cell_type":"markdown","attachments":{"a.png":{"image/png":"aaaa"}},"metadata":{},"source":"x"}],
"metadata":{"kernelspec":{"name":"python3"},"widgets":{"state":{"answer":42}},"big":12345678901234567890},"nbformat":4,"nbformat_minor":5}`

func TestWithoutOutputs(t *testing.T) {
	got, err := WithoutOutputs([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Cells []map[string]json.RawMessage `json:"cells"`
	}
	if err := json.Unmarshal(got, &doc); err != nil {
		t.Fatal(err)
	}
	c := doc.Cells[0]
	if string(c["outputs"]) != "[]" || string(c["execution_count"]) != "null" || len(doc.Cells) != 2 {
		t.Errorf("%s", got)
	}
	text := string(got)
	for _, kept := range []string{`"outputs": "kept"`, `print(\"<42>\")`, `"image/png": "aaaa"`, `"python3"`, "12345678901234567890", `"nbformat": 4`} {
		if !strings.Contains(text, kept) {
			t.Errorf("%s is gone: %s", kept, got)
		}
	}
	for _, gone := range []string{"answer is", "widgets", `: 3,`} {
		if strings.Contains(text, gone) {
			t.Errorf("%s is still there: %s", gone, got)
		}
	}
	again, err := WithoutOutputs(got)
	if err != nil || string(again) != text {
		t.Errorf("twice is not once: %v", err)
	}
	if strings.Index(text, `"cell_type"`) > strings.Index(text, `"metadata"`) || !strings.HasPrefix(text, "{\n \"cells\": [\n  {\n") {
		t.Errorf("order or blanks: %s", text)
	}
}

func TestNoNotebook(t *testing.T) {
	for _, text := range []string{`{}`, `{"cells":[]}`, `{"cells":[],"nbformat":3}`, `{"cells":1,"nbformat":4}`, `[]`, `{"cells":[],"nbformat":4} {}`} {
		if _, err := WithoutOutputs([]byte(text)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{``, `{"cells":[`, `{"cells":[{"outputs":[}]}`, strings.Repeat("[", 100_000)} {
		if out, err := WithoutOutputs([]byte(text)); err == nil {
			t.Errorf("%.20s: %s", text, out)
		}
	}
	if !Is("a/B.IPYNB") || Is("ipynb") || Is("a.ipynb.txt") {
		t.Error("names")
	}
}

func FuzzWithoutOutputs(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{"cells":[{"outputs":{"a":[1,2]}}],"nbformat":4}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := WithoutOutputs(b)
		if err != nil {
			return
		}
		if again, err := WithoutOutputs(out); err != nil || string(again) != string(out) {
			t.Errorf("%q: %v, then %q", out, err, again)
		}
	})
}

func TestOutputs(t *testing.T) {
	for text, want := range map[string][2]int{
		`{"nbformat":4,"cells":[]}`: {0, 0},
		`{"nbformat":4,"cells":[{"cell_type":"code","outputs":[]},{"cell_type":"code","outputs":[{"output_type":"stream"}]},{"cell_type":"markdown","outputs":[{}]}]}`: {2, 1},
		`{"nbformat":4,"cells":[{"cell_type":"code"}]}`: {1, 0},
	} {
		if code, left, err := Outputs([]byte(text)); err != nil || code != want[0] || left != want[1] {
			t.Errorf("%s: %d, %d, %v", text, code, left, err)
		}
	}
	for _, text := range []string{"", "[]", `{"nbformat":3}`, `{"cells":[]}`, `{"nbformat":4`} {
		if _, _, err := Outputs([]byte(text)); err == nil {
			t.Errorf("%q is a notebook", text)
		}
	}
}
