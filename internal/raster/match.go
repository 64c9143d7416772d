package raster

import "image"

// Of the matching of one pixel, in steps of 1/255 of a channel, after both
// pictures are blurred by the weights 1 2 1 in both directions. SPEC.md CMP-73
// has the experiment behind them.
const (
	slackFlat  = 3  // where nothing is drawn: rounding in blending colours
	slackEdge  = 45 // percent of the contrast that both have there
	blurWeight = 16
	halo       = 2 // pixels around a tile that it depends on
)

// matcher compares one tile at a time. Its buffers are its own.
type matcher struct {
	a, b      window
	soft      [2]window // blurred
	low, high [2]window // least and most within a pixel's distance
	line      []uint8
	temporary []int16
}

// tile fills in how far each pixel of r is outside, for canvas a and b, whose pixel p lies at
// p+offset, into out of the given width. It returns the number of pixels that
// differ at all.
func (m *matcher) tile(a, b *canvas, r image.Rectangle, offset image.Point, out []uint8, width int) int64 {
	wide := r.Inset(-halo)
	if offset == (image.Point{}) && a.same(b, wide) {
		return 0
	}
	if size := 4 * (wide.Dx() + 1); len(m.line) < size {
		m.line = make([]uint8, size)
	}
	m.a.load(a, wide, image.Point{}, m.line)
	m.b.load(b, wide, offset, m.line)
	differing, any := m.differing(r)
	if !any {
		return 0
	}
	for i, w := range []*window{&m.a, &m.b} {
		m.blur(w, &m.soft[i])
		m.range3(&m.soft[i], &m.low[i], &m.high[i])
	}
	stride := wide.Dx()
	for y := range r.Dy() {
		from := (y+halo)*stride + halo
		to := (r.Min.Y+y)*width + r.Min.X
		for x := range r.Dx() {
			out[to+x] = m.pixel(from + x)
		}
	}
	return differing
}

// differing counts the pixels of r that differ, and says whether any of r or
// around it do.
func (m *matcher) differing(r image.Rectangle) (n int64, any bool) {
	stride := m.a.Dx()
	for i := range m.a.v[0] {
		if m.a.v[0][i] == m.b.v[0][i] && m.a.v[1][i] == m.b.v[1][i] && m.a.v[2][i] == m.b.v[2][i] && m.a.v[3][i] == m.b.v[3][i] {
			continue
		}
		any = true
		if image.Pt(i%stride, i/stride).Add(m.a.Min).In(r) {
			n++
		}
	}
	return n, any
}

// pixel is how far the pixel at i of one picture lies outside what the other
// has around it, 0 to 255.
func (m *matcher) pixel(i int) uint8 {
	far := 0
	for c := range channels {
		shared := min(int(m.high[0].v[c][i])-int(m.low[0].v[c][i]), int(m.high[1].v[c][i])-int(m.low[1].v[c][i]))
		slack := slackFlat*blurWeight + shared*slackEdge/100
		for side := range 2 {
			v, other := int(m.soft[side].v[c][i]), 1-side
			far = max(far, int(m.low[other].v[c][i])-v-slack, v-int(m.high[other].v[c][i])-slack)
		}
	}
	return uint8(min(255, (far+blurWeight-1)/blurWeight))
}

// blur weighs 1 2 1 in both directions; the result is 16 times as large. The
// outermost pixels are left as they are not asked for.
func (m *matcher) blur(in, out *window) {
	out.resize(in.Rectangle)
	stride, rows := in.Dx(), in.Dy()
	if cap(m.temporary) < stride*rows {
		m.temporary = make([]int16, stride*rows)
	}
	across := m.temporary[:stride*rows]
	for c := range channels {
		v, o := in.v[c], out.v[c]
		for i := 1; i < len(v)-1; i++ {
			across[i] = v[i-1] + 2*v[i] + v[i+1]
		}
		for i := stride; i < len(v)-stride; i++ {
			o[i] = across[i-stride] + 2*across[i] + across[i+stride]
		}
	}
}

// range3 finds the least and the most within one pixel in all directions.
func (m *matcher) range3(in, low, high *window) {
	low.resize(in.Rectangle)
	high.resize(in.Rectangle)
	stride := in.Dx()
	for c := range channels {
		v, l, h := in.v[c], low.v[c], high.v[c]
		for i := stride * halo; i < len(v)-stride*halo; i++ {
			least, most := v[i], v[i]
			for _, at := range [3]int{i - stride, i, i + stride} {
				a, b, c := v[at-1], v[at], v[at+1]
				least, most = min(least, a, b, c), max(most, a, b, c)
			}
			l[i], h[i] = least, most
		}
	}
}
