package pages

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"

	"repro/gateway/access"
	"repro/report/view"
)

// Limits of what one page shows of a file; all of it can be kept.
const (
	maxText    = 1 << 20  // bytes of a text
	maxPicture = 32 << 20 // bytes
	maxRows    = 1000     // of a table
	maxColumns = 100
	maxCells   = 500 // of a notebook
)

// shown is a file as a page shows it. All text in it is clean.
type shown struct {
	Lines    []string   // of a text
	Head     []string   // of a table
	Rows     [][]string //
	Notebook []cell
	Picture  bool // it is one, which browsers show
	More     string
}

// fileView is a file, and the address of the picture in it.
type fileView struct {
	File    *shown
	Picture string
}

// cell is a cell of a notebook.
type cell struct {
	Kind    string
	Count   string // "3", or empty
	Source  string
	Outputs []cellOutput
}

// cellOutput is a text, or a picture by its number in the notebook from 1, or
// something that is not shown.
type cellOutput struct {
	Text    string
	Picture int
	Other   string
}

// viewFile says how a page shows a file; ok is false for what no page shows.
// Nothing of it becomes markup: a table and a notebook are taken apart into
// texts.
func viewFile(name string, b []byte, plain bool) (s shown, ok bool) {
	if !plain && view.PictureType(b) != "" {
		return shown{Picture: true}, true
	}
	if len(b) > maxText || !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		return s, false
	}
	if !plain {
		switch strings.ToLower(path.Ext(name)) {
		case ".csv":
			ok = s.table(b, ',')
		case ".tsv":
			ok = s.table(b, '\t')
		case ".ipynb":
			ok = s.notebook(b)
		}
	}
	if !ok {
		s = shown{Lines: cleanLines(string(b))}
	}
	return s, true
}

// cleanLines makes what could move text about visible.
func cleanLines(text string) []string {
	lines := strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	for i, line := range lines {
		cells := strings.Split(line, "\t")
		for j := range cells {
			cells[j] = view.Clean(cells[j])
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return lines
}

func cleanText(text string) string { return strings.Join(cleanLines(text), "\n") }

func (s *shown) table(b []byte, comma rune) bool {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = comma, -1, true
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false
		}
		if len(s.Rows) == maxRows {
			s.More = "Further rows are not shown."
			break
		}
		if len(row) > maxColumns {
			row, s.More = row[:maxColumns], "Further columns are not shown."
		}
		for i := range row {
			row[i] = view.Clean(row[i])
		}
		s.Rows = append(s.Rows, row)
	}
	if len(s.Rows) == 0 {
		return false
	}
	s.Head, s.Rows = s.Rows[0], s.Rows[1:]
	return true
}

// lines is a text that notebooks hold in one piece or in several.
type lines string

func (l *lines) UnmarshalJSON(b []byte) error {
	var many []string
	if err := json.Unmarshal(b, &many); err == nil {
		*l = lines(strings.Join(many, ""))
		return nil
	}
	var one string
	if json.Unmarshal(b, &one) != nil {
		return nil // JSON of a kind that no page shows
	}
	*l = lines(one)
	return nil
}

type notebookDoc struct {
	Cells []struct {
		Kind    string `json:"cell_type"`
		Count   *int   `json:"execution_count"`
		Source  lines  `json:"source"`
		Outputs []struct {
			Text      lines            `json:"text"`
			Data      map[string]lines `json:"data"`
			Name      string           `json:"ename"`
			Value     string           `json:"evalue"`
			Traceback []string         `json:"traceback"`
		} `json:"outputs"`
	} `json:"cells"`
}

// notebookPictures are the types of pictures in notebooks that pages show.
var notebookPictures = []string{"image/png", "image/jpeg", "image/gif"}

func (s *shown) notebook(b []byte) bool {
	var doc notebookDoc
	if json.Unmarshal(b, &doc) != nil || len(doc.Cells) == 0 {
		return false
	}
	pictures := 0
	for i, c := range doc.Cells {
		if i == maxCells {
			s.More = "Further cells are not shown."
			break
		}
		out := cell{Kind: view.Clean(c.Kind), Source: cleanText(string(c.Source))}
		if c.Count != nil {
			out.Count = view.Clean(strings.TrimSpace(string(mustJSON(*c.Count))))
		}
		for _, o := range c.Outputs {
			switch {
			case o.Text != "":
				out.Outputs = append(out.Outputs, cellOutput{Text: cleanText(string(o.Text))})
			case o.Name != "":
				out.Outputs = append(out.Outputs, cellOutput{Text: view.Clean(o.Name) + ": " + cleanText(o.Value)})
			default:
				picture := pictureOf(o.Data)
				if picture != "" {
					pictures++
					out.Outputs = append(out.Outputs, cellOutput{Picture: pictures})
				} else if text := o.Data["text/plain"]; text != "" {
					out.Outputs = append(out.Outputs, cellOutput{Text: cleanText(string(text))})
				} else if len(o.Data) > 0 {
					out.Outputs = append(out.Outputs, cellOutput{Other: "An output of a type that is not shown here."})
				}
			}
		}
		s.Notebook = append(s.Notebook, out)
	}
	return true
}

func mustJSON(n int) []byte {
	b, _ := json.Marshal(n)
	return b
}

// pictureOf is the picture of an output, in base64.
func pictureOf(data map[string]lines) string {
	for _, kind := range notebookPictures {
		if data[kind] != "" {
			return string(data[kind])
		}
	}
	return ""
}

// notebookPicture returns the picture of that number in a notebook.
func notebookPicture(b []byte, number int) []byte {
	var doc notebookDoc
	if json.Unmarshal(b, &doc) != nil {
		return nil
	}
	for _, c := range doc.Cells {
		for _, o := range c.Outputs {
			if o.Text != "" || o.Name != "" {
				continue
			}
			text := pictureOf(o.Data)
			if text == "" {
				continue
			}
			if number--; number == 0 {
				picture, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(text, "\n", ""))
				if err != nil {
					return nil
				}
				return picture
			}
		}
	}
	return nil
}

// sendPicture sends a picture for a page that shows it: as an attachment, in
// case somebody opens it by itself, and with a policy by which no script of an
// SVG drawing runs.
func sendPicture(w http.ResponseWriter, name string, b []byte) error {
	kind := view.PictureType(b)
	if kind == "" {
		return access.Refuse(http.StatusNotFound, "%s: is no picture that browsers show", view.Clean(name))
	}
	attach(w, name)
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	_, err := w.Write(b)
	return err
}
