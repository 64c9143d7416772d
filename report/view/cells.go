package view

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"

	"repro/report"
)

// cells are those of a notebook that are not the same, side by side.
type cells struct {
	Summary string
	List    []cellRow
}

type cellRow struct {
	Title, Source, Verdict, Tone string
	Open                         bool
	Parts                        []cellPart
}

// cellPart is one part of a cell on both sides: text, or a picture.
type cellPart struct {
	Name, Verdict, Tone, Reason string
	Published, New              partSide
}

type partSide struct {
	None bool // this side has no such part
	Text string
	URI  template.URL
}

// openCells is how many cells are unfolded from the start.
const openCells = 8

func cellsOf(c *report.Cells) *cells {
	if c == nil || len(c.List) == 0 {
		return nil
	}
	out := &cells{Summary: cellsInWords(c)}
	for i, one := range c.List {
		row := cellRow{Title: fmt.Sprintf("Cell %d", one.Cell), Source: cleanLines(one.Source), Verdict: string(one.Verdict),
			Tone: className(toneOf(one.Verdict)), Open: i < openCells && !one.Verdict.Reproduced()}
		for _, p := range one.Parts {
			row.Parts = append(row.Parts, cellPart{Name: Clean(p.Name), Verdict: string(p.Verdict), Tone: className(toneOf(p.Verdict)),
				Reason: Clean(p.Reason), Published: sideOf(p.Published, p.Type), New: sideOf(p.New, p.Type)})
		}
		out.List = append(out.List, row)
	}
	return out
}

// cellsInWords counts the code cells of a notebook.
func cellsInWords(c *report.Cells) string {
	words := fmt.Sprintf("%d of %d code %s differ", c.Differ, c.Code, noun(c.Code, "cell"))
	if c.Ran < c.Code {
		words += fmt.Sprintf(", %d did not run", c.Code-c.Ran)
	}
	if c.Missing > 0 {
		words += fmt.Sprintf(", %d missing", c.Missing)
	}
	if c.New > 0 {
		words += fmt.Sprintf(", %d new", c.New)
	}
	return words
}

// sideOf is what one notebook has. A picture is shown only if it is one of a
// type that browsers draw without running anything.
func sideOf(content, mime string) partSide {
	switch {
	case content == "":
		return partSide{None: true}
	case mime == "":
		return partSide{Text: cleanLines(content)}
	}
	if _, err := base64.StdEncoding.DecodeString(content); err != nil || !strings.Contains(" image/png image/jpeg image/gif ", " "+mime+" ") {
		return partSide{Text: "a picture of type " + Clean(mime)}
	}
	return partSide{URI: template.URL("data:" + mime + ";base64," + content)} // #nosec: base64 of a picture
}
