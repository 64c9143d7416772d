package compare

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/report"
)

// made is a random result, as rows of cells, and how it is written.
type made struct {
	rows  [][]string // the first is the header; the first cell of each is a label
	write func([][]string) string
	name  string
}

func makeResult(r *rand.Rand, name string) *made {
	m := &made{name: name, write: writers[name]}
	columns := 2 + r.IntN(4)
	header := []string{"label"}
	for i := range columns {
		header = append(header, fmt.Sprintf("col%c", 'a'+i))
	}
	m.rows = append(m.rows, header)
	for i := range 2 + r.IntN(12) {
		row := []string{fmt.Sprintf("r%dx", i)}
		for range columns {
			row = append(row, strings.TrimPrefix(distinct(r), "+"))
		}
		m.rows = append(m.rows, row)
	}
	return m
}

// distinct is a number that no other is likely to be rounded to.
func distinct(r *rand.Rand) string {
	switch r.IntN(4) {
	case 0:
		return fmt.Sprintf("%.*f", 2+r.IntN(6), r.NormFloat64()*100)
	case 1:
		return fmt.Sprintf("%.*e", 2+r.IntN(12), r.NormFloat64())
	case 2:
		return fmt.Sprint(1000 + r.IntN(1_000_000))
	}
	return fmt.Sprintf("%.*f", 4+r.IntN(3), r.Float64())
}

var writers = map[string]func([][]string) string{
	"a.csv": func(rows [][]string) string { return join(rows, ",") },
	"a.tsv": func(rows [][]string) string { return join(rows, "\t") },
	"a.txt": func(rows [][]string) string {
		var b strings.Builder
		for _, row := range rows {
			for _, c := range row {
				fmt.Fprintf(&b, "%-16s", c)
			}
			b.WriteByte('\n')
		}
		return b.String()
	},
	"a.json": func(rows [][]string) string {
		var b strings.Builder
		b.WriteString("[")
		for i, row := range rows[1:] {
			if i > 0 {
				b.WriteString(",\n")
			}
			fmt.Fprintf(&b, "{%q:%q", rows[0][0], row[0])
			for j, c := range row[1:] {
				fmt.Fprintf(&b, ",%q:%s", rows[0][j+1], c)
			}
			b.WriteString("}")
		}
		b.WriteString("]\n")
		return b.String()
	},
}

func join(rows [][]string, comma string) string {
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(strings.Join(row, comma) + "\n")
	}
	return b.String()
}

func (m *made) clone() [][]string {
	out := make([][]string, len(m.rows))
	for i, row := range m.rows {
		out[i] = slices.Clone(row)
	}
	return out
}

// plants change one thing that a reader would care about. They report whether
// they could.
var plants = map[string]func(*rand.Rand, [][]string) bool{
	"last digit": func(r *rand.Rand, rows [][]string) bool {
		c := anyNumber(r, rows)
		at := lastDigit(*c)
		d := (*c)[at]
		next := '0' + (d-'0'+1+byte(r.IntN(9)))%10
		*c = (*c)[:at] + string(rune(next)) + (*c)[at+1:]
		return true
	},
	"any digit": func(r *rand.Rand, rows [][]string) bool {
		c := anyNumber(r, rows)
		b := []byte(*c)
		at := r.IntN(len(b))
		if !digit(b[at]) {
			return false
		}
		b[at] = '0' + (b[at]-'0'+1+byte(r.IntN(9)))%10
		if !isNumber(b) || rational(string(b)).Cmp(rational(*c)) == 0 {
			return false
		}
		*c = string(b)
		return true
	},
	"sign": func(r *rand.Rand, rows [][]string) bool {
		c := anyNumber(r, rows)
		if rational(*c).Sign() == 0 {
			return false
		}
		if strings.HasPrefix(*c, "-") {
			*c = (*c)[1:]
		} else {
			*c = "-" + *c
		}
		return true
	},
	"dropped row": func(r *rand.Rand, rows [][]string) bool {
		at := 1 + r.IntN(len(rows)-1)
		copy(rows[at:], rows[at+1:])
		rows[len(rows)-1] = nil
		return true
	},
	"doubled row": func(r *rand.Rand, rows [][]string) bool {
		at := 1 + r.IntN(len(rows)-1)
		rows[at] = slices.Clone(rows[1+r.IntN(len(rows)-1)])
		return true
	},
	"swapped rows": func(r *rand.Rand, rows [][]string) bool {
		i, j := 1+r.IntN(len(rows)-1), 1+r.IntN(len(rows)-1)
		rows[i], rows[j] = rows[j], rows[i]
		return i != j
	},
	"swapped columns": func(r *rand.Rand, rows [][]string) bool {
		i, j := 1+r.IntN(len(rows[0])-1), 1+r.IntN(len(rows[0])-1)
		for _, row := range rows[1:] {
			row[i], row[j] = row[j], row[i]
		}
		return i != j
	},
	"swapped headers": func(r *rand.Rand, rows [][]string) bool {
		i, j := 1+r.IntN(len(rows[0])-1), 1+r.IntN(len(rows[0])-1)
		rows[0][i], rows[0][j] = rows[0][j], rows[0][i]
		return i != j
	},
	"label": func(r *rand.Rand, rows [][]string) bool {
		row := rows[r.IntN(len(rows))]
		row[0] = "q" + row[0][1:]
		return true
	},
	"not a number": func(r *rand.Rand, rows [][]string) bool {
		*anyNumber(r, rows) = []string{"NaN", "NA", "inf", "null"}[r.IntN(4)]
		return true
	},
	"exponent": func(r *rand.Rand, rows [][]string) bool {
		c := anyNumber(r, rows)
		if rational(*c).Sign() == 0 || strings.ContainsAny(*c, "e") {
			return false
		}
		*c += "e1"
		return true
	},
	"fewer digits": func(r *rand.Rand, rows [][]string) bool {
		c := anyNumber(r, rows)
		if strings.ContainsAny(*c, "e") || !strings.Contains(*c, ".") {
			return false
		}
		*c = strings.TrimSuffix((*c)[:len(*c)-1], ".")
		return true
	},
	"moved cell": func(r *rand.Rand, rows [][]string) bool {
		row := rows[1+r.IntN(len(rows)-1)]
		i := 1 + r.IntN(len(row)-2)
		row[i], row[i+1] = "", row[i]
		return true
	},
}

func anyNumber(r *rand.Rand, rows [][]string) *string {
	row := rows[1+r.IntN(len(rows)-1)]
	return &row[1+r.IntN(len(row)-1)]
}

// lastDigit of the mantissa.
func lastDigit(text string) int {
	if e := strings.IndexByte(text, 'e'); e >= 0 {
		return e - 1
	}
	return len(text) - 1
}

// TestPlanted plants changes in random results: every one must be found.
func TestPlanted(t *testing.T) {
	rounds := 120
	if testing.Short() {
		rounds = 30
	}
	for name := range writers {
		for plant, change := range plants {
			if name == "a.json" && (plant == "swapped headers" || plant == "moved cell" || plant == "not a number") {
				continue // this change makes no other JSON document, or none
			}
			t.Run(name+"/"+plant, func(t *testing.T) {
				r := rand.New(rand.NewPCG(3, uint64(len(name)*100+len(plant))))
				for range rounds {
					m := makeResult(r, name)
					rows := m.clone()
					if !change(r, rows) {
						continue
					}
					if rows[len(rows)-1] == nil {
						rows = rows[:len(rows)-1]
					}
					pub, new := m.write(m.rows), m.write(rows)
					if pub == new {
						continue
					}
					if f := finding(t, name, pub, new, manifest.Rule{}); f.Verdict.Reproduced() {
						t.Fatalf("%s: %s\npublished\n%s\nnew\n%s", f.Verdict, f.Reason, pub, new)
					}
				}
			})
		}
	}
}

// TestFiner prints every number of random results, published with a fixed
// number of decimals, with more digits, near the published ones: that is always
// the same as printed, until one is planted.
func TestFiner(t *testing.T) {
	for _, name := range []string{"a.csv", "a.json"} {
		r := rand.New(rand.NewPCG(5, 6))
		for range 150 {
			m := makeResult(r, name)
			for k, row := range m.rows[1:] {
				for i := 1; i < len(row); i++ {
					row[i] = fmt.Sprintf("%.3f", r.NormFloat64())
					if k == 0 {
						row[i] = row[i][:len(row[i])-1] + "0" // as one in ten ends
					}
				}
			}
			rows := m.clone()
			for _, row := range rows[1:] {
				for i := 1; i < len(row); i++ {
					row[i] = finer(r, row[i])
				}
			}
			pub, new := m.write(m.rows), m.write(rows)
			if f := finding(t, name, pub, new, manifest.Rule{}); f.Verdict != report.SameAsPrinted {
				t.Fatalf("%s: %s\npublished\n%s\nnew\n%s", f.Verdict, f.Reason, pub, new)
			}
			c := anyNumber(r, m.rows)
			at := lastDigit(*c)
			*c = (*c)[:at] + string(rune('0'+((*c)[at]-'0'+1)%10)) + (*c)[at+1:]
			if f := finding(t, name, m.write(m.rows), new, manifest.Rule{}); f.Verdict.Reproduced() {
				t.Fatalf("%s: %s\npublished\n%s\nnew\n%s", f.Verdict, f.Reason, m.write(m.rows), new)
			}
		}
	}
}

// finer adds digits that round back to text.
func finer(r *rand.Rand, text string) string {
	var n number
	n.parse([]byte(text))
	x := rational(text)
	x.Add(x, power(n.last-2).Mul(power(n.last-2), rational(fmt.Sprint(r.IntN(99)-49))))
	return x.FloatString(max(0, -n.last) + 3)
}

// TestTolerancesNeverHideText holds that no tolerance lets text through.
func TestTolerancesNeverHideText(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	wide := manifest.Rule{Absolute: "1e300", Relative: "1e300"}
	for range 100 {
		for _, name := range []string{"a.csv", "a.txt", "a.json"} {
			m := makeResult(r, name)
			rows := m.clone()
			rows[1+r.IntN(len(rows)-1)][0] = "other"
			if f := finding(t, name, m.write(m.rows), m.write(rows), wide); f.Verdict.Reproduced() {
				t.Fatalf("%s: %s", f.Verdict, f.Reason)
			}
		}
	}
}

// TestDiffIsBounded holds the finding of two wholly different files small.
func TestDiffIsBounded(t *testing.T) {
	a, b := bytes.Repeat([]byte("a 1.5 "), 50_000), bytes.Repeat([]byte("b 2.5\n"), 50_000)
	f := finding(t, "a.txt", string(a), string(b), manifest.Rule{})
	if n := len(f.Diff) + len(f.Reason) + len(f.Worst.Published) + len(f.Worst.New); n > 40*maxClip*4 {
		t.Errorf("%d bytes", n)
	}
}
