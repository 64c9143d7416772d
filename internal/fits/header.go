package fits

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// card is a keyword and its value as it stands, without quotes and comment.
type card struct {
	key, value string
	text       bool // it stood in quotes
}

type cards []card

func (c cards) find(key string) *card {
	for i := range c {
		if c[i].key == key {
			return &c[i]
		}
	}
	return nil
}

type header struct{ cards cards }

// readHeader reads cards up to END, and returns what stands after the header.
func readHeader(b []byte) (*header, []byte, error) {
	h := &header{}
	for at := 0; ; at += cardSize {
		if at+cardSize > len(b) {
			return nil, nil, badfile.Damaged("a header does not end")
		}
		line := string(b[at : at+cardSize])
		key := strings.TrimRight(line[:8], " ")
		if key == "END" && strings.TrimSpace(line) == "END" {
			end := (at + cardSize + block - 1) / block * block
			if end > len(b) {
				return nil, nil, badfile.Damaged("it ends too early")
			}
			return h, b[end:], nil
		}
		if len(h.cards) == maxCards {
			return nil, nil, badfile.TooLarge("a header of more than %d keywords", maxCards)
		}
		value := ""
		switch {
		case key == "HIERARCH":
			name, rest, ok := strings.Cut(line[9:], "=")
			if !ok {
				continue
			}
			key, value = "HIERARCH "+strings.TrimSpace(name), rest
		case line[8:10] == "= ":
			value = line[10:]
		case key == "CONTINUE" && len(h.cards) > 0:
			last := &h.cards[len(h.cards)-1]
			more := valueOf(line[8:])
			if long, ok := strings.CutSuffix(last.value, "&"); ok && last.text {
				last.value = long + more.value
				continue
			}
			return nil, nil, badfile.Damaged("a text goes on that does not say so")
		default:
			continue // a comment
		}
		c := valueOf(value)
		c.key = key
		h.cards = append(h.cards, c)
	}
}

// valueOf takes a value from the text after the keyword.
func valueOf(s string) card {
	s = strings.TrimLeft(s, " ")
	if !strings.HasPrefix(s, "'") {
		value, _, _ := strings.Cut(s, "/")
		return card{value: strings.TrimSpace(value)}
	}
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			out.WriteByte(s[i])
		} else if i+1 < len(s) && s[i+1] == '\'' {
			out.WriteByte('\'')
			i++
		} else {
			break
		}
	}
	return card{value: strings.TrimRight(out.String(), " "), text: true}
}

func (h *header) text(key string) string {
	if c := h.cards.find(key); c != nil {
		return c.value
	}
	return ""
}

// number is a whole number; 0 if it is absent or no such number.
func (h *header) number(key string) int64 {
	n, err := strconv.ParseInt(h.text(key), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (h *header) real(key string, absent float64) float64 {
	c := h.cards.find(key)
	if c == nil {
		return absent
	}
	v, err := parseReal(c.value)
	if err != nil {
		return math.NaN()
	}
	return v
}

// parseReal reads a number, of which the exponent may be Fortran's D.
func parseReal(s string) (float64, error) {
	return strconv.ParseFloat(strings.NewReplacer("D", "E", "d", "e").Replace(s), 64)
}

// shape is the lengths of the axes, the fastest first.
func (h *header) shape() []int {
	var out []int
	for i := range min(h.number("NAXIS"), ndarray.MaxAxes+1) {
		out = append(out, int(min(max(-1, h.number("NAXIS"+strconv.FormatInt(i+1, 10))), math.MaxInt32)))
	}
	return out
}

// dataSize is how many bytes of data stand after the header.
func (h *header) dataSize() (int, error) {
	shape := h.shape()
	n := (&ndarray.Array{Shape: shape}).Count()
	bits := h.number("BITPIX")
	if bits < 0 {
		bits = -bits
	}
	groups, parameters := int64(1), h.number("PCOUNT")
	if h.cards.find("GCOUNT") != nil {
		groups = h.number("GCOUNT")
	}
	if h.text("GROUPS") == "T" {
		return 0, badfile.Unread("random groups")
	}
	if n < 0 || bits%8 != 0 || bits > 64 || groups < 0 || groups > 1<<16 || parameters < 0 || parameters > ndarray.MaxData {
		return 0, badfile.Damaged("a header says a size that can't be")
	}
	if len(shape) == 0 {
		return 0, nil
	}
	return int(bits/8) * int(groups) * (int(parameters) + n), nil
}

// structural keywords say how the file is laid out, and others who wrote it and
// when; neither says anything of the data.
var structural = []string{"SIMPLE", "XTENSION", "BITPIX", "NAXIS", "EXTEND", "PCOUNT", "GCOUNT", "GROUPS", "TFIELDS", "THEAP", "BLOCKED",
	"BSCALE", "BZERO", "BLANK", "EXTNAME", "EXTVER", "DATE", "ORIGIN", "CHECKSUM", "DATASUM", "CREATOR", "PROGRAM", "SOFTWARE", "HISTORY", "COMMENT", "", "LONGSTRN", "INHERIT"}

func carriesNothing(key string) bool {
	if slices.Contains(structural, key) {
		return true
	}
	for _, prefix := range []string{"NAXIS", "TFORM", "TTYPE", "TSCAL", "TZERO", "TNULL", "TBCOL", "TDISP"} {
		if number, is := strings.CutPrefix(key, prefix); is && number != "" && strings.Trim(number, "0123456789") == "" {
			return true
		}
	}
	return false
}

// onSky begin the keywords that say where on the sky pixels lie, to which no
// tolerance applies.
var onSky = []string{"CRVAL", "CRPIX", "CDELT", "CROTA", "CD", "PC", "PV", "CTYPE", "CUNIT", "EQUINOX", "RADESYS", "LONPOLE", "LATPOLE", "WCSAXES"}

// array is the keyword's value: a number, or text.
func (c *card) array(name string) ndarray.Array {
	v, err := parseReal(c.value)
	if c.text || err != nil {
		return ndarray.Array{Name: name, Class: ndarray.Text, Shape: []int{}, Texts: []string{c.value}}
	}
	for _, prefix := range onSky {
		if strings.HasPrefix(c.key, prefix) {
			return ndarray.Array{Name: name, Class: ndarray.Text, Shape: []int{}, Texts: []string{strconv.FormatFloat(v, 'g', -1, 64)}}
		}
	}
	return ndarray.Array{Name: name, Class: ndarray.Float, Size: 8, Shape: []int{}, Order: binary.LittleEndian,
		Data: binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))}
}
