package postscript

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"repro/internal/drawing"
)

func init() {
	operators["colorimage"] = builtin(colourImage)
	operators["image"] = builtin(func(m *machine) error { return m.picture(5) })
	operators["imagemask"] = builtin(func(m *machine) error { return m.picture(5) })
}

// colourImage is an image whose samples have several parts.
func colourImage(m *machine) error {
	if _, err := m.whole(); err != nil {
		return err
	}
	if several, err := popped[bool](m); err != nil || several {
		return errors.Join(err, errors.New("a picture from several sources"))
	}
	return m.picture(5)
}

// picture adds a picture whose samples follow in the file in hexadecimal: where
// it stands, and a digest of all that it is made of.
func (m *machine) picture(operands int) error {
	if len(m.stack) < operands {
		return errUnderflow
	}
	args := slices.Clone(m.stack[len(m.stack)-operands:])
	m.stack = m.stack[:len(m.stack)-operands]
	source, ok := args[operands-1].(*array)
	if !ok || !strings.Contains(plain(source, 0), "readhexstring") {
		return errors.New("a picture whose samples do not follow in hexadecimal")
	}
	rest := m.in.b[m.in.at:]
	size := bytes.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF \t\r\n", r) })
	if size < 0 {
		return errors.New("a picture that does not end")
	}
	samples := bytes.Join(bytes.Fields(rest[:size]), nil)
	m.in.at += size
	unit := drawing.Rect(0, 0, 1, 1)
	return m.out.Add(drawing.Mark{Kind: drawing.Other, Path: unit.Mapped(m.gs.ctm), Clip: m.gs.clip, Style: m.gs.colour + m.gs.space,
		Words: fmt.Sprintf("an embedded picture,%s", digest(&array{list: append(args, &text{samples})})), Where: m.where()})
}
