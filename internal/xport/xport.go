// Package xport reads transport files of SAS, versions 5 and 8, as agencies ask
// for them ("The Record Layout of a Data Set in SAS Transport (XPORT) Format",
// TS-140 and its extension, SAS Institute).
package xport

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// Limits and sizes of files.
const (
	record       = 80
	maxMembers   = 4096
	maxVariables = 32767
	header       = "HEADER RECORD*******"
)

// variable is one column of a member.
type variable struct {
	name, label, format string
	number              bool
	size, at            int
}

type reader struct {
	b       []byte
	eight   bool // version 8
	members map[string]int
	out     []ndarray.Array
}

// Read reads a file: an array MEMBER.VARIABLE for each variable of each member,
// where values are missing and which of the 28 kinds of missing they are, and
// their labels and formats.
func Read(b []byte) ([]ndarray.Array, error) {
	r := &reader{b: b, members: map[string]int{}}
	switch {
	case bytes.HasPrefix(b, []byte(header+"LIBRARY HEADER")):
	case bytes.HasPrefix(b, []byte(header+"LIBV8   HEADER")):
		r.eight = true
	default:
		return nil, badfile.Damaged("it does not begin as one")
	}
	r.records(3) // the header, who wrote the file, and when
	for n := 0; len(bytes.TrimRight(r.b, " \x00")) > 0; n++ {
		if n == maxMembers {
			return nil, badfile.TooLarge("more than %d members", maxMembers)
		}
		if err := r.member(); err != nil {
			return nil, err
		}
	}
	return r.out, nil
}

// records takes so many records; fewer at the end of the file.
func (r *reader) records(n int) []byte {
	size := min(len(r.b), n*record)
	b := r.b[:size:size]
	r.b = r.b[size:]
	return b
}

// head takes the record that begins a part, and returns the number in it.
func (r *reader) head(name string) (string, error) {
	line := string(r.records(1))
	if r.eight {
		name = map[string]string{"MEMBER": "MEMBV8", "DSCRPTR": "DSCPTV8", "NAMESTR": "NAMSTV8"}[name]
	}
	if !strings.HasPrefix(line, header+name) || len(line) < record {
		return "", badfile.Damaged("no %s record where one should be", strings.TrimSpace(name))
	}
	return line, nil
}

// member reads one data set.
func (r *reader) member() error {
	line, err := r.head("MEMBER")
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(strings.TrimSpace(line[74:78]))
	if err != nil || size != 140 && size != 136 {
		return badfile.Damaged("descriptions of %q bytes", line[74:78])
	}
	if _, err := r.head("DSCRPTR"); err != nil {
		return err
	}
	about := r.records(2)
	if len(about) < 2*record {
		return badfile.Damaged("it ends too early")
	}
	name := strings.TrimRight(string(about[8:16]), " \x00")
	if r.eight {
		name = strings.TrimRight(string(about[8:40]), " \x00")
	}
	if r.members[name]++; r.members[name] > 1 {
		return badfile.Damaged("two members are named %q", badfile.Shorten(name))
	}
	if line, err = r.head("NAMESTR"); err != nil {
		return err
	}
	count, err := strconv.Atoi(strings.TrimSpace(line[54:58]))
	if r.eight {
		count, err = strconv.Atoi(strings.TrimSpace(line[48:58]))
	}
	if err != nil || count < 0 || count > maxVariables {
		return badfile.Damaged("%q variables", badfile.Shorten(line[48:58]))
	}
	list, err := r.variables(count, size)
	if err != nil {
		return err
	}
	if err := r.labels(list); err != nil {
		return err
	}
	return r.rows(name, list)
}

// variables reads descriptions of variables.
func (r *reader) variables(count, size int) ([]variable, error) {
	b := r.records((count*size + record - 1) / record)
	if len(b) < count*size {
		return nil, badfile.Damaged("it ends too early")
	}
	out := make([]variable, count)
	for i := range out {
		d := b[i*size:][:size]
		v := variable{number: binary.BigEndian.Uint16(d) == 1, size: int(binary.BigEndian.Uint16(d[4:])), at: int(binary.BigEndian.Uint32(d[84:]))}
		v.name, v.label, v.format = trim(d[8:16]), trim(d[16:56]), trim(d[56:64])
		if r.eight {
			if long := trim(d[88:120]); long != "" {
				v.name = long
			}
		}
		if v.number && (v.size < 2 || v.size > 8) {
			return nil, badfile.Damaged("the number %q has %d bytes", badfile.Shorten(v.name), v.size)
		}
		out[i] = v
	}
	return out, nil
}

func trim(b []byte) string { return strings.TrimRight(latin1(b), " \x00") }

// latin1 makes UTF-8 of a text, of which the encoding is not known.
func latin1(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return out.String()
}

// labels takes the long labels that version 8 may have, which is what the
// variables are called then.
func (r *reader) labels(list []variable) error {
	if !r.eight || !bytes.HasPrefix(r.b, []byte(header+"LABELV")) {
		return nil
	}
	nine := bytes.HasPrefix(r.b, []byte(header+"LABELV9"))
	line := string(r.records(1))
	if len(line) < record || nine {
		return badfile.Unread("long names of formats")
	}
	count, err := strconv.Atoi(strings.TrimSpace(line[48:58]))
	if err != nil || count < 0 || count > len(list) {
		return badfile.Damaged("%q long labels", badfile.Shorten(line[48:58]))
	}
	from := r.b
	for range count {
		if len(r.b) < 6 {
			return badfile.Damaged("it ends too early")
		}
		at, name, label := int(binary.BigEndian.Uint16(r.b)), int(binary.BigEndian.Uint16(r.b[2:])), int(binary.BigEndian.Uint16(r.b[4:]))
		if at < 1 || at > len(list) || name+label > len(r.b)-6 {
			return badfile.Damaged("the long labels are damaged")
		}
		list[at-1].name, list[at-1].label = trim(r.b[6:6+name]), trim(r.b[6+name:6+name+label])
		r.b = r.b[6+name+label:]
	}
	r.b = from[min(len(from), (len(from)-len(r.b)+record-1)/record*record):]
	return nil
}

// rows reads the observations: all up to the next member. Version 5 does not say
// how many there are, and fills the last record with blanks.
func (r *reader) rows(name string, list []variable) error {
	line := string(r.records(1))
	if !strings.HasPrefix(line, header+"OBS") {
		return badfile.Damaged("no OBS record where one should be")
	}
	end := bytes.Index(r.b, []byte(header+"MEMB"))
	for end >= 0 && end%record != 0 {
		next := bytes.Index(r.b[end+1:], []byte(header+"MEMB"))
		if next < 0 {
			end = -1
			break
		}
		end += 1 + next
	}
	if end < 0 {
		end = len(r.b)
	}
	b := r.b[:end]
	r.b = r.b[end:]
	width := 0
	for _, v := range list {
		if v.at < 0 || v.size > len(b)+record || v.at > len(b)+record {
			return badfile.Damaged("%q lies beyond its rows", badfile.Shorten(v.name))
		}
		width = max(width, v.at+v.size)
	}
	if width == 0 {
		return badfile.Damaged("the member %q has no variables", badfile.Shorten(name))
	}
	count := len(b) / width
	if r.eight {
		if said, err := strconv.Atoi(strings.TrimSpace(line[min(len(line), 48):min(len(line), 63)])); err == nil && said > 0 && said <= count {
			count = said
		}
	}
	for count > 0 && (len(b)-(count-1)*width) <= record && len(bytes.TrimRight(b[(count-1)*width:count*width], " ")) == 0 {
		count-- // blanks that fill the last record
	}
	for _, v := range list {
		if err := r.column(name, &v, b, width, count); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) column(member string, v *variable, b []byte, width, count int) error {
	name := member + "." + v.name
	out := ndarray.NewColumn(name, ndarray.Text, 0, "")
	if v.number {
		out = ndarray.NewColumn(name, ndarray.Float, 8, "")
	}
	for row := range count {
		value := b[row*width+v.at:][:v.size]
		switch c := value[0:min(1, len(value))]; {
		case !v.number:
			out.Text(trim(value))
		case isMissing(c[0], value[1:]):
			out.Missing(c[0])
		default:
			out.Float(ibmFloat(value))
		}
		if row%1024 == 0 {
			if err := out.Full(); err != nil {
				return err
			}
		}
	}
	r.out = append(r.out, out.Arrays()...)
	for _, n := range []struct{ what, text string }{{"label", v.label}, {"format", v.format}} {
		if n.text != "" {
			r.out = append(r.out, ndarray.Array{Name: name + "@" + n.what, Class: ndarray.Text, Shape: []int{}, Texts: []string{n.text}})
		}
	}
	return nil
}

// isMissing reports SAS's missing values: a point, an underscore or a letter,
// then zeros.
func isMissing(first byte, rest []byte) bool {
	return (first == '.' || first == '_' || first >= 'A' && first <= 'Z') && len(bytes.Trim(rest, "\x00")) == 0
}

// ibmFloat is a floating-point number of IBM's System/360, of which the last
// bytes may be cut off: a sign, an exponent of 16 and a fraction of 56 bits.
func ibmFloat(b []byte) float64 {
	var full [8]byte
	copy(full[:], b)
	bits := binary.BigEndian.Uint64(full[:])
	fraction := float64(bits & (1<<56 - 1))
	v := math.Ldexp(fraction, 4*(int(bits>>56&0x7f)-64)-56)
	if bits>>63 == 1 {
		return -v
	}
	return v
}
