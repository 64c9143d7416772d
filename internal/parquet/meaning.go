package parquet

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// meaning is what the values of a physical type stand for.
type meaning struct {
	class ndarray.Class
	size  int
	typed string
	put   func(c *ndarray.Column, b []byte) error // a value in its physical form
}

// meaningOf reads an element's logical type, or the older converted type.
func meaningOf(e fields, physical, length int) meaning {
	logical := e.inner(10)
	converted := int64(-1)
	if e.has(6) {
		converted = e.number(6)
	}
	switch physical {
	case typeBoolean:
		return meaning{ndarray.Bytes, 1, "bool", putBytes}
	case typeInt32, typeInt64:
		return wholeNumbers(e, logical, converted, 4*physical)
	case typeInt96:
		return meaning{ndarray.Text, 0, "timestamp", putInt96}
	case typeFloat:
		return meaning{ndarray.Float, 4, "", putFloat32}
	case typeDouble:
		return meaning{ndarray.Float, 8, "", putFloat64}
	}
	if m, ok := decimal(e, logical, converted, 0); ok {
		return m
	}
	switch {
	case physical == typeFixed && length == 2 && logical.has(15):
		return meaning{ndarray.Float, 2, "", putBytes}
	case physical == typeFixed:
		return meaning{ndarray.Bytes, length, fmt.Sprintf("%d bytes", length), putBytes}
	case logical.has(1) || logical.has(4) || logical.has(12) || converted == 0 || converted == 4 || converted == 19:
		return meaning{ndarray.Text, 0, "", putText}
	}
	return meaning{ndarray.Text, 0, "bytes", putText}
}

// wholeNumbers are numbers, or dates and times that are counted.
func wholeNumbers(e, logical fields, converted int64, size int) meaning {
	if m, ok := decimal(e, logical, converted, size); ok {
		return m
	}
	if l := logical.inner(10); l != nil && l[2] == false || converted >= 11 && converted <= 14 {
		return meaning{ndarray.Uint, size, integerType(logical, converted, size), putInt}
	}
	switch unit := logical.inner(8).inner(2); {
	case logical.has(6) || converted == 6:
		return meaning{ndarray.Text, 0, "date", putDate}
	case unit.has(1) || converted == 9:
		return timestamps(logical, time.Millisecond)
	case unit.has(2) || converted == 10:
		return timestamps(logical, time.Microsecond)
	case unit.has(3):
		return timestamps(logical, time.Nanosecond)
	}
	switch unit := logical.inner(7).inner(2); {
	case unit.has(1) || converted == 7:
		return timesOfDay(time.Millisecond)
	case unit.has(2) || converted == 8:
		return timesOfDay(time.Microsecond)
	case unit.has(3):
		return timesOfDay(time.Nanosecond)
	}
	return meaning{ndarray.Int, size, integerType(logical, converted, size), putInt}
}

// integerType names a type that has fewer bits than its physical one.
func integerType(logical fields, converted int64, size int) string {
	bits := 8 * size
	if l := logical.inner(10); l != nil {
		bits = int(l.number(1))
	} else if converted >= 11 && converted <= 18 {
		bits = 8 << ((converted - 11) % 4)
	}
	if bits == 8*size {
		return ""
	}
	return fmt.Sprintf("of %d bits", bits)
}

// decimal is a number with a fixed count of decimals: one that fits a double, or
// else its text. Size is that of a whole number, or 0 for bytes.
func decimal(e, logical fields, converted int64, size int) (meaning, bool) {
	scale, precision := e.number(7), e.number(8)
	if d := logical.inner(5); d != nil {
		scale, precision = d.number(1), d.number(2)
	} else if converted != 5 {
		return meaning{}, false
	}
	m := meaning{class: ndarray.Float, size: 8, typed: fmt.Sprintf("decimal of %d digits, %d after the point", precision, scale)}
	if precision > 15 {
		m.class, m.size = ndarray.Text, 0
	}
	m.put = func(c *ndarray.Column, b []byte) error {
		var v big.Int
		if size > 0 {
			v.SetInt64(signed(b))
		} else {
			v.SetBytes(b)
			if len(b) > 0 && b[0]&0x80 != 0 {
				v.Sub(&v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
			}
		}
		text := fmt.Sprintf("%se-%d", v.String(), scale)
		if scale < 0 || scale > 400 || len(b) > 256 {
			return badfile.Damaged("a decimal number is damaged")
		}
		if m.class == ndarray.Text {
			c.Text(text)
			return nil
		}
		f, err := strconv.ParseFloat(text, 64)
		c.Float(f)
		return err
	}
	return m, true
}

func timestamps(logical fields, unit time.Duration) meaning {
	typed := "timestamp"
	if l := logical.inner(8); l != nil && l[1] == false {
		typed = "timestamp without a zone"
	}
	perSecond := int64(time.Second / unit)
	return meaning{ndarray.Text, 0, typed, func(c *ndarray.Column, b []byte) error {
		v := signed(b)
		seconds, rest := v/perSecond, v%perSecond
		c.Text(time.Unix(seconds, rest*int64(unit)).UTC().Format("2006-01-02 15:04:05.999999999"))
		return nil
	}}
}

func timesOfDay(unit time.Duration) meaning {
	return meaning{ndarray.Text, 0, "time of day", func(c *ndarray.Column, b []byte) error {
		v := signed(b)
		if v < 0 || v > int64(25*time.Hour/unit) {
			return badfile.Damaged("a time of day is damaged")
		}
		c.Text(time.Unix(0, v*int64(unit)).UTC().Format("15:04:05.999999999"))
		return nil
	}}
}

// signed is a little-endian whole number of 4 or 8 bytes.
func signed(b []byte) int64 {
	if len(b) == 4 {
		return int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return int64(binary.LittleEndian.Uint64(b))
}

func putInt(c *ndarray.Column, b []byte) error { c.Int(signed(b)); return nil }

func putBytes(c *ndarray.Column, b []byte) error { c.Bytes(b); return nil }

func putText(c *ndarray.Column, b []byte) error {
	if !utf8.Valid(b) {
		c.Text("\x00bytes " + strconv.Quote(string(b)))
		return nil
	}
	c.Text(string(b))
	return nil
}

func putFloat32(c *ndarray.Column, b []byte) error {
	c.Float(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	return nil
}

func putFloat64(c *ndarray.Column, b []byte) error {
	c.Float(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	return nil
}

func putDate(c *ndarray.Column, b []byte) error {
	const day = 24 * 60 * 60
	c.Text(time.Unix(signed(b)*day, 0).UTC().Format(time.DateOnly))
	return nil
}

// putInt96 reads a moment as nanoseconds of a day and the day's Julian number.
func putInt96(c *ndarray.Column, b []byte) error {
	const julianOf1970, day = 2440588, 24 * 60 * 60
	nanoseconds, days := int64(binary.LittleEndian.Uint64(b)), int64(int32(binary.LittleEndian.Uint32(b[8:])))
	c.Text(time.Unix((days-julianOf1970)*day+nanoseconds/1e9, nanoseconds%1e9).UTC().Format("2006-01-02 15:04:05.999999999"))
	return nil
}
