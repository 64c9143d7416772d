package xlsx

import (
	"strconv"
	"strings"

	"repro/internal/badfile"
)

const maxStyles = 1 << 16

// readStyles finds the styles by which numbers are shown as dates or times.
func (w *workbook) readStyles() error {
	own := map[int]string{} // formats of this workbook
	var styles []int
	err := w.part("xl/styles.xml", false, func(m *markup, at []string) error {
		switch {
		case isAt(at, "styleSheet", "numFmts", "numFmt"):
			id, err := strconv.Atoi(m.attribute("numFmtId"))
			if err != nil || len(own) == maxStyles {
				return badfile.Damaged("its formats of numbers are damaged")
			}
			own[id] = m.attribute("formatCode")
		case isAt(at, "styleSheet", "cellXfs", "xf"):
			if len(styles) == maxStyles {
				return badfile.TooLarge("more than %d styles", maxStyles)
			}
			id, _ := strconv.Atoi(m.attribute("numFmtId")) // absent: 0, the general format
			styles = append(styles, id)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range styles {
		code, has := own[id]
		w.dates = append(w.dates, has && showsDate(code) || !has && datesBuiltIn(id))
	}
	return nil
}

// datesBuiltIn reports the formats that need no code (ECMA-376 part 1, 18.8.30).
func datesBuiltIn(id int) bool {
	return id >= 14 && id <= 22 || id >= 27 && id <= 36 || id == 45 || id == 47 || id >= 50 && id <= 58
}

// showsDate reports whether a format's code has a letter of dates or times
// outside of quoted text, escapes, and conditions and colours in brackets. A
// time that has elapsed, such as [h]:mm, is no date.
func showsDate(code string) bool {
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return false
			}
			i += end + 1
		case '\\', '_', '*':
			i++
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return false
			}
			if inside := strings.Trim(strings.ToLower(code[i+1:i+end]), "hms"); inside == "" && end > 1 {
				return false
			}
			i += end
		case 'd', 'D', 'm', 'M', 'y', 'Y', 'h', 'H', 's', 'S':
			return true
		case 'G', 'g': // General
			if strings.HasPrefix(strings.ToLower(code[i:]), "general") {
				i += len("general") - 1
			}
		}
	}
	return false
}
