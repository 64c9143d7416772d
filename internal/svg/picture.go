package svg

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"image/png"
	"strings"

	"repro/internal/drawing"
)

// maxPixels bounds an embedded picture that is unpacked.
const maxPixels = 16 << 20

// picture adds an embedded picture: where it stands, and a digest of its pixels
// or, where these are not known, of its bytes.
func (r *reader) picture(e *element, s *state) error {
	var at [4]float64
	for i, name := range []string{"x", "y", "width", "height"} {
		var ok bool
		if at[i], ok = number(e.attr[name]); !ok {
			return r.other(e)
		}
	}
	style, _, _ := r.paint(s, 1)
	frame := drawing.Rect(at[0], at[1], at[2], at[3])
	return r.out.Add(drawing.Mark{Kind: drawing.Other, Path: frame.Mapped(s.m), Words: "an embedded picture, " + pixels(e.attr["href"]),
		Style: style + r.rest(e, "id", "class", "style", "transform", "clip-path", "x", "y", "width", "height", "href"), Clip: s.clip, Where: e.where()})
}

// pixels is a digest of what a picture in a data URL shows.
func pixels(href string) string {
	if _, packed, ok := strings.Cut(href, ";base64,"); ok && strings.HasPrefix(href, "data:image/png") {
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(packed), ""))
		if c, bad := png.DecodeConfig(bytes.NewReader(b)); err == nil && bad == nil && c.Width*c.Height <= maxPixels {
			if m, err := png.Decode(bytes.NewReader(b)); err == nil {
				h := sha256.New()
				for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
					for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
						red, green, blue, alpha := m.At(x, y).RGBA()
						fmt.Fprintf(h, "%x %x %x %x,", red, green, blue, alpha)
					}
				}
				return fmt.Sprintf("%d × %d, %x", c.Width, c.Height, h.Sum(nil)[:8])
			}
		}
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(href)))[:16]
}
