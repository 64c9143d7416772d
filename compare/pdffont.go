package compare

import (
	"encoding/binary"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
)

// pdfFont turns the codes of a font into text.
type pdfFont struct {
	wide  bool // codes of two bytes
	codes map[int]string
}

const maxPDFCodes = 1 << 17

// decode returns the text of a string of codes, and whether each is known.
func (f *pdfFont) decode(s string) (string, bool) {
	var b strings.Builder
	known := true
	size := 1
	if f.wide {
		size = 2
	}
	for ; len(s) >= size; s = s[size:] {
		code := int(s[0])
		if f.wide {
			code = int(binary.BigEndian.Uint16([]byte(s)))
		}
		text, ok := f.codes[code]
		if !ok {
			known, text = false, "\ufffd"
		}
		b.WriteString(text)
	}
	return b.String(), known && len(s) == 0
}

// font reads a font, or nil.
func (d *pdfDocument) font(v pdfValue) *pdfFont {
	if f, again := d.fonts[v.ref]; again && v.kind == pdfRef {
		return f
	}
	f := d.readFont(d.get(v))
	if v.kind == pdfRef {
		d.fonts[v.ref] = f
	}
	return f
}

func (d *pdfDocument) readFont(v pdfValue) *pdfFont {
	if v.kind != pdfDict {
		return nil
	}
	f := &pdfFont{codes: map[int]string{}}
	f.wide = d.get(v.dict["Subtype"]).text == "Type0"
	if !f.wide {
		f.simple(d, v)
	}
	if to := v.dict["ToUnicode"]; to.kind == pdfRef {
		f.toUnicode(d.stream(to))
	}
	return f
}

// simple reads the encoding of a font with codes of one byte (9.6.5).
func (f *pdfFont) simple(d *pdfDocument, v pdfValue) {
	encoding := d.get(v.dict["Encoding"])
	base := encoding.text
	if encoding.kind == pdfDict {
		base = d.get(encoding.dict["BaseEncoding"]).text
	}
	_, embedded := d.get(v.dict["FontDescriptor"]).dict["FontFile"]
	symbolic := strings.Contains(d.get(v.dict["BaseFont"]).text, "Symbol") || strings.Contains(d.get(v.dict["BaseFont"]).text, "Dingbats")
	if base == "WinAnsiEncoding" || base == "StandardEncoding" || base == "MacRomanEncoding" ||
		base == "" && !embedded && !symbolic && d.get(v.dict["Subtype"]).text == "Type1" {
		for c := 0x20; c < 0x7f; c++ { // these three agree but in two signs
			f.codes[c] = string(rune(c))
		}
		if base == "WinAnsiEncoding" {
			for c := 0xa0; c <= 0xff; c++ {
				f.codes[c] = string(rune(c))
			}
		}
		if base == "StandardEncoding" || base == "" {
			f.codes['\''], f.codes['`'] = "\u2019", "\u2018"
		}
	}
	if encoding.kind != pdfDict {
		return
	}
	code := 0
	for _, e := range d.get(encoding.dict["Differences"]).list {
		if n, ok := d.number(e); ok {
			code = n
		} else if e.kind == pdfName {
			delete(f.codes, code)
			if text := glyphText(e.text); text != "" {
				f.codes[code] = text
			}
			code++
		}
	}
}

// glyphNames are names of the Adobe Glyph List for New Fonts that are not
// letters, by what they stand for.
var glyphNames = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for _, pair := range strings.Fields(`space=20 exclam=21 quotedbl=22 numbersign=23 dollar=24 percent=25 ampersand=26
		quotesingle=27 parenleft=28 parenright=29 asterisk=2A plus=2B comma=2C hyphen=2D period=2E slash=2F zero=30 one=31
		two=32 three=33 four=34 five=35 six=36 seven=37 eight=38 nine=39 colon=3A semicolon=3B less=3C equal=3D greater=3E
		question=3F at=40 bracketleft=5B backslash=5C bracketright=5D asciicircum=5E underscore=5F grave=60 braceleft=7B
		bar=7C braceright=7D asciitilde=7E minus=2212 multiply=D7 divide=F7 plusminus=B1 degree=B0 mu=B5 periodcentered=B7
		quoteleft=2018 quoteright=2019 quotedblleft=201C quotedblright=201D endash=2013 emdash=2014 bullet=2022 ellipsis=2026
		section=A7 paragraph=B6 dagger=2020 daggerdbl=2021 copyright=A9 registered=AE trademark=2122 sterling=A3 Euro=20AC
		onesuperior=B9 twosuperior=B2 threesuperior=B3 onehalf=BD onequarter=BC infinity=221E approxequal=2248 notequal=2260
		lessequal=2264 greaterequal=2265 summation=2211 product=220F integral=222B partialdiff=2202 radical=221A
		alpha=3B1 beta=3B2 gamma=3B3 delta=3B4 epsilon=3B5 zeta=3B6 eta=3B7 theta=3B8 iota=3B9 kappa=3BA lambda=3BB nu=3BD
		xi=3BE omicron=3BF pi=3C0 rho=3C1 sigma=3C3 tau=3C4 upsilon=3C5 phi=3C6 chi=3C7 psi=3C8 omega=3C9 Gamma=393
		Delta=394 Theta=398 Lambda=39B Xi=39E Pi=3A0 Sigma=3A3 Phi=3A6 Psi=3A8 Omega=3A9 germandbls=DF
		adieresis=E4 odieresis=F6 udieresis=FC Adieresis=C4 Odieresis=D6 Udieresis=DC eacute=E9 egrave=E8 agrave=E0
		aacute=E1 iacute=ED oacute=F3 uacute=FA ntilde=F1 ccedilla=E7 acircumflex=E2 ecircumflex=EA ocircumflex=F4
		aring=E5 Aring=C5 oslash=F8 Oslash=D8 ae=E6 AE=C6`) {
		name, code, _ := strings.Cut(pair, "=")
		n, err := strconv.ParseUint(code, 16, 32)
		if err != nil {
			panic(err)
		}
		out[name] = string(rune(n))
	}
	for name, text := range map[string]string{"ff": "ff", "fi": "fi", "fl": "fl", "ffi": "ffi", "ffl": "ffl"} {
		out[name] = text
	}
	return out
})

// glyphText is what a glyph's name stands for, or "".
func glyphText(name string) string {
	name, _, _ = strings.Cut(name, ".")
	if len(name) == 1 {
		return name
	}
	if text := glyphNames()[name]; text != "" {
		return text
	}
	for _, prefix := range []string{"uni", "u"} {
		if hex, is := strings.CutPrefix(name, prefix); is && len(hex) >= 4 && len(hex) <= 6 {
			if n, err := strconv.ParseUint(hex, 16, 32); err == nil && n > 0x20 {
				return string(rune(n))
			}
		}
	}
	return ""
}

// toUnicode reads a CMap that maps codes to UTF-16 (9.10.3).
func (f *pdfFont) toUnicode(b []byte) {
	s := &pdfScanner{b: b}
	var operands []pdfValue
	for {
		v := s.next(0)
		if v.kind == pdfNothing || len(f.codes) > maxPDFCodes {
			return
		}
		if v.kind != pdfKeyword {
			operands = append(operands, v)
			continue
		}
		switch v.text {
		case "endbfchar":
			for i := 0; i+1 < len(operands); i += 2 {
				f.map1(operands[i].text, 0, operands[i+1])
			}
		case "endbfrange":
			for i := 0; i+2 < len(operands); i += 3 {
				f.mapRange(operands[i].text, operands[i+1].text, operands[i+2])
			}
		}
		operands = nil
	}
}

func codeOf(s string) int {
	n := 0
	for _, c := range []byte(s) {
		n = n<<8 | int(c)
	}
	return n & 0xffff
}

func (f *pdfFont) mapRange(from, to string, v pdfValue) {
	first, last := codeOf(from), codeOf(to)
	for code := first; code <= last && len(f.codes) <= maxPDFCodes; code++ {
		if v.kind == pdfArray {
			if i := code - first; i < len(v.list) {
				f.map1(from, i, v.list[i])
			}
			continue
		}
		units := utf16Of(v.text)
		if len(units) > 0 {
			units[len(units)-1] += uint16(code - first)
			f.codes[code] = string(utf16.Decode(units))
		}
	}
}

func (f *pdfFont) map1(code string, plus int, v pdfValue) {
	if units := utf16Of(v.text); v.kind == pdfString && len(units) > 0 {
		f.codes[codeOf(code)+plus] = string(utf16.Decode(units))
	}
}

func utf16Of(s string) []uint16 {
	var out []uint16
	for ; len(s) > 1; s = s[2:] {
		out = append(out, binary.BigEndian.Uint16([]byte(s)))
	}
	return out
}
