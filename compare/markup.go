package compare

import (
	"context"
	"fmt"
	"repro/compare/kinds"
	"strconv"
	"strings"

	"repro/internal/pattern"
)

// The kinds of this file.
const (
	kindLaTeX    = "latex"
	kindMarkdown = "markdown"
)

func init() {
	comparers[kindLaTeX] = compareLaTeX
	comparers[kindMarkdown] = compareMarkdown
}

func itoa(n int) string { return strconv.Itoa(n) }

// compareLaTeX compares a LaTeX file line by line and, in tables, cell by
// cell. Blanks around cells, and how long other blanks are, carry nothing
// (CMP-124).
func compareLaTeX(ctx context.Context, j *job) error {
	return j.compareFacts(ctx, func(b []byte, of side) ([]fact, error) {
		return readCells(b, of, '&', new(latexLines).clean)
	}, "the same lines and cells; only blanks and comments differ")
}

// compareMarkdown is the same for Markdown; the length of the dashes below a
// table's header carries nothing either.
func compareMarkdown(ctx context.Context, j *job) error {
	return j.compareFacts(ctx, func(b []byte, of side) ([]fact, error) {
		return readCells(b, of, '|', dashes)
	}, "the same lines and cells; only blanks differ")
}

// readCells cuts lines at a mark that no backslash stands before.
func readCells(b []byte, of side, mark byte, clean func(string) (text string, is bool)) ([]fact, error) {
	out := facts{of: of}
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(b), "\ufeff")) {
		n++
		if strings.IndexByte(line, 0) >= 0 {
			return nil, malformed(of, kinds.Text, "line %d holds a zero byte", n)
		}
		text, is := clean(strings.TrimRight(line, "\r\n"))
		if !is {
			continue
		}
		cells := cutAt(text, mark)
		for i, cell := range cells {
			where := fmt.Sprintf("line %d", n)
			if len(cells) > 1 {
				where += fmt.Sprintf(", cell %d", i+1)
			}
			text := oneBlank(cell)
			if i > 0 {
				text = string(mark) + " " + text
			}
			if err := out.add(where, text); err != nil {
				return nil, err
			}
		}
	}
	return out.list, nil
}

func cutAt(line string, mark byte) []string {
	var out []string
	from := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case mark:
			out = append(out, line[from:i])
			from = i + 1
		}
	}
	return append(out, line[from:])
}

// latexLines reads lines of LaTeX. In an environment that prints what it holds,
// a percent sign begins no comment (CMP-124a).
type latexLines struct {
	verbatim string
	defined  bool // environments or characters that the file defines may print percent signs
}

var (
	verbatimBegin = pattern.New(`\\begin\{([A-Za-z]*(?:[vV]erbatim[a-z]*|listing|filecontents|[iI]nput|[oO]utput|[cC]ode|[cC]hunk)\*?|lstlisting|minted|alltt)\}`)
	verbatimInner = pattern.New(`\\(?:[vV]erb\*?|lstinline|mintinline|url|href|nolinkurl|path|code)`)
	verbatimNew   = pattern.New(`\\(?:(?:Define|Custom|Recustom|new)[vV]erb|DefineShortVerb|MakeShortVerb|lstnewenvironment|lstMakeShortInline|newminted|newmint|newtcblisting|catcode)`)
)

// inBraces reports a percent sign within braces that close behind it on the line:
// it is printed, or part of an address, or the line would lack its end.
func inBraces(line, text string) bool {
	open := strings.Count(text, "{") - strings.Count(text, `\{`) - strings.Count(text, "}") + strings.Count(text, `\}`)
	return open > 0 && strings.Contains(line[len(text):], "}")
}

// clean is a line without what follows a percent sign. A line that holds
// nothing else is none.
func (l *latexLines) clean(line string) (string, bool) {
	if l.verbatim != "" {
		if strings.Contains(line, `\end{`+l.verbatim+`}`) {
			l.verbatim = ""
		}
		return line, true
	}
	text := cutAt(line, '%')[0]
	if m := verbatimBegin.FindStringSubmatch(text); m != nil {
		if !strings.Contains(line, `\end{`+m[1]+`}`) {
			l.verbatim = m[1]
		}
		return line, true
	}
	l.defined = l.defined || verbatimNew.MatchString(text)
	if l.defined || verbatimInner.MatchString(text) || inBraces(line, text) {
		return line, true
	}
	text = mathNumber.ReplaceAllString(mathMinus.ReplaceAllString(text, "-$1"), "$1")
	return text, !strings.HasPrefix(strings.TrimLeft(line, " \t"), "%")
}

// mathMinus is the minus sign of a number that stands outside of mathematics
// itself, as R's packages for tables write it.
var mathMinus = pattern.New(`\$-\$([0-9.])`)

// mathNumber is a number that is all of its mathematics: it looks the same as
// without.
var mathNumber = pattern.New(`\$(-?[0-9]+(?:\.[0-9]+)?)\$`)

// dashes is a line of Markdown, with each row of dashes below a header made
// one length.
func dashes(line string) (string, bool) {
	if strings.Trim(line, "|-: \t") != "" || !strings.Contains(line, "-") || !strings.Contains(line, "|") {
		return line, true
	}
	for strings.Contains(line, "----") {
		line = strings.ReplaceAll(line, "----", "---")
	}
	return line, true
}
