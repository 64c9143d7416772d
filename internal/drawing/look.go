package drawing

import (
	"strconv"
	"strings"
)

// look is what of a mark's style can be drawn. Its texts are words of SVG,
// whatever the style holds.
type look struct {
	fill, stroke      ink
	evenOdd, dashed   bool
	cap, join, anchor string // "": SVG's default
}

type ink struct {
	shown   bool
	colour  string // "#rrggbb"; "": not known
	opacity float64
}

// Words of PostScript and PDF, and of SVG, that are not its defaults.
var (
	caps    = map[string]string{"1": "round", "2": "square", "round": "round", "square": "square"}
	joins   = map[string]string{"1": "round", "2": "bevel", "round": "round", "bevel": "bevel"}
	anchors = map[string]string{"text-anchor:middle": "middle", "text-anchor:end": "end"}
)

// lookOf reads a style as the readers of figures write it: "fill #rrggbb opacity
// n/255 evenodd stroke #rrggbb cap c join j miter m dashed", each part if there
// is one, then what they don't understand.
func lookOf(style string) look {
	var l look
	of := &ink{}
	words := strings.Fields(style)
	for i, word := range words {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch {
		case word == "fill" && i == 0:
			of = &l.fill
			*of = ink{shown: true, opacity: 1}
		case word == "stroke" && !l.stroke.shown:
			of = &l.stroke
			*of = ink{shown: true, opacity: 1}
		case isColour(word) && of.colour == "":
			of.colour = word
		case word == "opacity":
			if n, err := strconv.ParseUint(strings.TrimSuffix(next, "/255"), 10, 8); err == nil {
				of.opacity = float64(n) / 255
			}
		case word == "evenodd":
			l.evenOdd = true
		case word == "dashed":
			l.dashed = true
		case word == "cap":
			l.cap = caps[next]
		case word == "join":
			l.join = joins[next]
		case anchors[word] != "":
			l.anchor = anchors[word]
		}
	}
	return l
}

// isColour reports "#rrggbb" in hexadecimal.
func isColour(word string) bool {
	if len(word) != 7 || word[0] != '#' {
		return false
	}
	_, err := strconv.ParseUint(word[1:], 16, 32)
	return err == nil
}

// glyphs are letters by their names in PostScript (Adobe Glyph List), those of
// numbers and labels; a name of one character is that character.
var glyphs = map[string]string{
	"zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
	"space": " ", "period": ".", "comma": ",", "colon": ":", "semicolon": ";", "minus": "\u2212", "hyphen": "-", "plus": "+", "equal": "=",
	"parenleft": "(", "parenright": ")", "bracketleft": "[", "bracketright": "]", "slash": "/", "percent": "%", "underscore": "_",
	"less": "<", "greater": ">", "ampersand": "&", "asterisk": "*", "multiply": "\u00d7", "degree": "\u00b0", "mu": "\u00b5", "quotesingle": "'",
}

// letters is what a text looks like: readers of PostScript write a letter that is
// drawn by its name as "/name".
func letters(words string) string {
	name, ok := strings.CutPrefix(words, "/")
	switch {
	case !ok:
	case glyphs[name] != "":
		return glyphs[name]
	case len(name) == 1:
		return name
	}
	return words
}
