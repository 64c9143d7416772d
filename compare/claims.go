package compare

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"repro/compare/kinds"
	"repro/format/manifest"
	"repro/report"
)

// Claims compares each number that the paper's text gives to the one that now
// stands at its place, below the root of produced (CMP-140 to CMP-142). As
// with [Results], there is a finding for each also where the error is not nil.
func Claims(ctx context.Context, produced fs.FS, claims []manifest.Claim) ([]report.Finding, error) {
	var problems []error
	out := make([]report.Finding, 0, len(claims))
	for _, c := range claims {
		f, err := claimed(ctx, produced, c)
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err != nil {
			err = fmt.Errorf("claim %q: %w", c.Name, err)
			problems = append(problems, err)
			f.Verdict, f.Reason = report.NeedsEyes, clip(err.Error())
		}
		f.Result, f.Claim, f.Output, f.Kind = c.Name, c.Text, c.Output, kinds.Claim
		out = append(out, f)
	}
	return out, errors.Join(problems...)
}

func claimed(ctx context.Context, produced fs.FS, c manifest.Claim) (report.Finding, error) {
	t := c.Compare
	f := report.Finding{Rule: manifest.Rule{Absolute: t.Absolute, Relative: t.Relative, ULP: t.ULP, Digits: t.Digits}}
	ready, err := prepare(f.Rule)
	if err != nil {
		return f, err
	}
	if !isNumber([]byte(c.Value)) {
		return f, &RuleError{"value", c.Value, "want one number as it is printed"}
	}
	file := File{FS: produced, Name: strings.TrimPrefix(path.Clean(c.Output), "/")}
	if err := regular(file); err != nil {
		return unusable(f, file, err)
	}
	text, where, err := found(ctx, file, c)
	if err != nil {
		return settle(f, err)
	}
	j := &job{rule: ready, tally: newTally(ready), finding: &f, sameContent: "the same number"}
	if !isNumber([]byte(text)) {
		j.tally.brokenAt(where, c.Value, text, "%s: published %s, new %s, which is no number", where, c.Value, quote([]byte(text)))
	} else if text == c.Value {
		j.tally.same([]byte(text))
	} else {
		j.tally.written = rounded // a paper's text rounds; but a whole number may be a count
		if mustNumber(c.Value).whole() {
			j.tally.written = untold
		}
		what := j.tally.judge([]byte(c.Value), []byte(text))
		j.tally.number(what, []byte(c.Value), []byte(text), func() string { return where })
	}
	j.conclude(&f)
	if f.Worst == nil { // what was found is worth seeing also where it agrees
		f.Worst = &report.Worst{Where: where, Published: clip(c.Value), New: clip(text)}
	}
	return f, nil
}

// absent says that a claim's place is not in the new file.
func absent(format string, args ...any) error {
	return &contentError{of: produced, kind: kinds.Claim, why: fmt.Sprintf(format, args...)}
}

// found returns the text at a claim's place in the new file.
func found(ctx context.Context, file File, c manifest.Claim) (text, where string, err error) {
	packed, err := file.packed()
	if err != nil {
		return "", "", err
	}
	if packed {
		file = file.inside()
	}
	in, err := file.open(produced)
	if err != nil {
		return "", "", err
	}
	defer in.Close()
	switch {
	case c.Cell != nil:
		return cellAt(ctx, in, file.kindName(), *c.Cell)
	case c.Pointer != "":
		return pointedAt(in, c.Pointer)
	}
	return matched(in, c.Pattern)
}

// cellAt finds the one row that begins so, and the one column of that name.
func cellAt(ctx context.Context, in io.Reader, name string, at manifest.Cell) (text, where string, err error) {
	start := bufio.NewReaderSize(in, 64<<10)
	comma, err := (&job{name: name, pub: in}).delimiter(start)
	if err != nil {
		return "", "", err
	}
	where = fmt.Sprintf("row %s, column %s", clip(at.Row), clip(at.Column))
	rows := newRowReader(start, comma, produced)
	column, seen := -1, 0
	for it := new(item); ; {
		switch err := rows.read(it); {
		case errors.Is(err, io.EOF) && seen == 1:
			return text, where, nil
		case errors.Is(err, io.EOF):
			return "", where, absent("%d rows begin with %q", seen, clip(at.Row))
		case err != nil:
			return "", where, err
		case it.n%1024 == 0 && ctx.Err() != nil:
			return "", where, ctx.Err()
		}
		if values := it.values(); column < 0 {
			column = slices.Index(values, at.Column)
			if column < 0 || slices.Contains(values[column+1:], at.Column) {
				return "", where, absent("its first row has not one column %q", clip(at.Column))
			}
		} else if values[0] == at.Row {
			seen++
			text = string(it.value(column))
		}
	}
}

// pointedAt follows a JSON pointer (RFC 6901).
func pointedAt(in io.Reader, pointer string) (text, where string, err error) {
	doc, err := readJSON(in, produced)
	if err != nil {
		return "", pointer, err
	}
	v := &doc
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		next := v.member(name)
		if i, err := strconv.Atoi(name); err == nil && v.kind == jsonArray && i >= 0 && i < len(v.elem) && strconv.Itoa(i) == name {
			next = &v.elem[i]
		}
		if next == nil {
			return "", pointer, absent("it has no %s", clip(pointer))
		}
		v = next
	}
	if v.kind != jsonNumber {
		return show(v), pointer, nil
	}
	return string(v.text), pointer, nil
}

// matched finds the one place that a regular expression matches.
func matched(in io.Reader, pattern string) (text, where string, err error) {
	re, err := compilePattern("pattern", pattern)
	if err != nil || len(pattern) > maxPattern || re.NumSubexp() != 1 {
		return "", "", &RuleError{"pattern", clip(pattern), "want a regular expression with one group"}
	}
	b, err := all(in, produced, maxMarkup)
	if err != nil {
		return "", "", err
	}
	re.work = new(work)
	if !re.may(b) {
		return "", "", re.work.undecided()
	}
	all := re.FindAllSubmatch(b, 2)
	switch len(all) {
	case 0:
		return "", "", absent("nothing in it matches %q", clip(pattern))
	case 2:
		return "", "", &undecided{fmt.Sprintf("the new file matches %q more than once", clip(pattern))}
	}
	return string(all[0][1]), "what matches " + clip(pattern), nil
}
