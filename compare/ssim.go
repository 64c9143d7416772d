package compare

import (
	"context"
	"image"
)

// window is the side of the square in which similarity is measured, in
// pixels.
const window = 8

// Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error
// visibility to structural similarity", IEEE Transactions on Image Processing
// 13(4), 2004, equation 13, with K1 = 0.01, K2 = 0.03 and L = 255.
const (
	ssimC1 = 0.01 * 255 * 0.01 * 255
	ssimC2 = 0.03 * 255 * 0.03 * 255
)

// similarity is the least over red, green and blue of the mean structural
// similarity over all windows, each channel 8 bits on a white ground. Sums over
// windows are whole numbers and are added up in one order, so that every
// machine finds the same score.
func similarity(ctx context.Context, a, b image.Image) (float64, error) {
	least := 1.0
	size := a.Bounds().Dx() * a.Bounds().Dy()
	x, y := make([]uint8, size), make([]uint8, size)
	for channel := range 3 {
		if err := plane(ctx, a, channel, x); err != nil {
			return 0, err
		}
		if err := plane(ctx, b, channel, y); err != nil {
			return 0, err
		}
		s, err := channelSimilarity(ctx, x, y, a.Bounds().Dx())
		if err != nil {
			return 0, err
		}
		least = min(least, s)
	}
	return least, nil
}

// plane reads one channel on a white ground, row by row.
func plane(ctx context.Context, m image.Image, channel int, out []uint8) error {
	r, at := m.Bounds(), colourAt(m)
	return bands(ctx, r.Dy(), func(_, from, to int) {
		i := from * r.Dx()
		for y := from; y < to; y++ {
			for x := range r.Dx() {
				c := at(r.Min.X+x, r.Min.Y+y)
				v := [3]uint16{c.R, c.G, c.B}[channel]
				out[i] = uint8((uint32(v) + 0xffff - uint32(c.A)) >> 8)
				i++
			}
		}
	})
}

// moments of the two channels in one window or one column of it.
type moments struct{ a, b, aa, bb, ab int64 }

func (m *moments) add(x, y uint8, sign int64) {
	a, b := int64(x), int64(y)
	m.a += sign * a
	m.b += sign * b
	m.aa += sign * a * a
	m.bb += sign * b * b
	m.ab += sign * a * b
}

func (m *moments) plus(o moments, sign int64) {
	m.a += sign * o.a
	m.b += sign * o.b
	m.aa += sign * o.aa
	m.bb += sign * o.bb
	m.ab += sign * o.ab
}

func channelSimilarity(ctx context.Context, a, b []uint8, width int) (float64, error) {
	height := len(a) / width
	across, down := min(window, width), min(window, height)
	rows := make([]float64, height-down+1) // by the first row of their windows
	err := bands(ctx, len(rows), func(_, from, to int) {
		columns := make([]moments, width)
		for y := from; y < to+down-1; y++ {
			for x := range width {
				columns[x].add(a[y*width+x], b[y*width+x], 1)
				if y >= from+down {
					old := (y-down)*width + x
					columns[x].add(a[old], b[old], -1)
				}
			}
			if y >= from+down-1 {
				rows[y-down+1] = rowSimilarity(columns, across, int64(across*down))
			}
		}
	})
	var sum float64
	for _, row := range rows {
		sum += row
	}
	return sum / float64((width-across+1)*len(rows)), err
}

// rowSimilarity sums over the windows that end in one row of pixels.
func rowSimilarity(columns []moments, across int, n int64) float64 {
	var sum float64
	var w moments
	for x := range columns {
		w.plus(columns[x], 1)
		if x >= across {
			w.plus(columns[x-across], -1)
		}
		if x >= across-1 {
			sum += w.similarity(n)
		}
	}
	return sum
}

// similarity of one window of n pixels; both sides of the fraction are taken
// times n^4.
func (m *moments) similarity(n int64) float64 {
	c1, c2 := float64(n*n)*ssimC1, float64(n*n)*ssimC2
	mean, means := 2*m.a*m.b, m.a*m.a+m.b*m.b
	covariance := 2 * (n*m.ab - m.a*m.b)
	variances := n*m.aa - m.a*m.a + n*m.bb - m.b*m.b
	above := float64((float64(mean) + c1) * (float64(covariance) + c2))
	below := float64((float64(means) + c1) * (float64(variances) + c2))
	return float64(above / below)
}
