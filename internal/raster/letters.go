package raster

import (
	"cmp"
	"context"
	"errors"
	"image"
	"slices"
)

// When a shape is another one, however letters are drawn. SPEC.md CMP-79 has
// the experiment behind these.
const (
	peakShape   = 80  // together with
	unlikeShape = 80  // this
	peakAlone   = 105 // or either alone
	unlikeAlone = 160
)

// When a shape is another one where those next to it are drawn alike: beyond
// these, and twice what three of four of its neighbours are off by.
const (
	peakLeast   = 18
	unlikeLeast = 40
	enough      = 5 // neighbours to tell by
)

const (
	strictPeak = 12 // where lines are drawn alike in both pictures, of markers
	together   = 4  // half pixels by which letters of a word may move apart
)

func (p placed) fits() bool {
	if p.tiny {
		return p.peak < peakShape && p.unlike < 1000
	}
	return p.peak < peakAlone && p.unlike < unlikeAlone && (p.peak < peakShape || p.unlike < unlikeShape)
}

// findPlaces finds for each shape of s its place in other: near its own; or,
// where it is grey and may be a letter, near where the letters next to it went;
// or wherever it fits within reach.
func (s *sheet) findPlaces(ctx context.Context, shapes []shape, near [][]int, other *sheet) error {
	err := each(ctx, len(shapes), func(i int) {
		of := &shapes[i]
		of.best = s.place(of, other, image.Point{}, image.Pt(besideAt, besideAt))
	})
	for range passes {
		went := make([]placed, len(shapes))
		for i := range shapes {
			went[i] = shapes[i].best
		}
		err = errors.Join(err, each(ctx, len(shapes), func(i int) {
			if of := &shapes[i]; of.grey && !(went[i].fits() && followed(went, i, near[i])) {
				s.follow(of, other, went, near[i])
			}
		}))
	}
	return err
}

// passes is how often letters are looked for where their neighbours went; in
// the first, most that moved find their own place.
const passes = 3

// follow tries the shifts of the neighbours, then every shift within reach.
func (s *sheet) follow(of *shape, other *sheet, went []placed, near []int) {
	for _, k := range near {
		if !went[k].fits() {
			continue
		}
		if p := s.place(of, other, went[k].Point, image.Pt(together, together)); p.fits() && (!of.best.fits() || p.unlike < of.best.unlike+unlikeShape) {
			of.best = p
			return
		}
	}
	if !of.best.fits() {
		if p := s.place(of, other, image.Point{}, s.reach()); p.fits() {
			of.best = p
		}
	}
}

// followed reports whether a shape lies beside its place, or where one of its
// neighbours went.
func followed(went []placed, i int, near []int) bool {
	beside := abs(went[i].X) <= besideAt && abs(went[i].Y) <= besideAt
	return beside || slices.ContainsFunc(near, func(k int) bool {
		return abs(went[k].X-went[i].X) <= together && abs(went[k].Y-went[i].Y) <= together
	})
}

// strangers are the shapes that have no partner in the other picture. Where
// lines are drawn the same way in both, each coloured shape must be the same to
// the pixel.
func strangers(shapes []shape, near [][]int, lines bool) []bool {
	out := make([]bool, len(shapes))
	words := lettersOf(shapes, near)
	usual := map[int]placed{}
	for word, members := range words {
		if len(members) > enough {
			usual[word] = quartile(members)
		}
	}
	usual[0] = quartile(words[0])
	for i := range shapes {
		of := &shapes[i]
		best := of.best
		limit, known := usual[of.word]
		if !known {
			limit = usual[0]
		}
		switch {
		case best.same && best.Point == image.Point{}:
		case !best.fits(), lines && !of.grey && !best.same && best.peak > strictPeak,
			of.grey && !best.tiny && best.peak > peakLeast+2*limit.peak && best.unlike > unlikeLeast+2*limit.unlike:
			out[i] = true
		case abs(best.X) > besideAt || abs(best.Y) > besideAt:
			out[i] = !moved(shapes, i, near[i])
		}
	}
	return out
}

// lettersOf gives each word a number from 1, and lists how its grey shapes are
// placed; 0 lists all of them.
func lettersOf(shapes []shape, near [][]int) map[int][]placed {
	out := map[int][]placed{}
	word := 0
	for i := range shapes {
		if !shapes[i].grey || shapes[i].word != 0 {
			continue
		}
		word++
		shapes[i].word = word
		for queue := []int{i}; len(queue) > 0; {
			at := queue[0]
			queue = queue[1:]
			out[word], out[0] = append(out[word], shapes[at].best), append(out[0], shapes[at].best)
			for _, k := range near[at] {
				if shapes[k].grey && shapes[k].word == 0 {
					shapes[k].word = word
					queue = append(queue, k)
				}
			}
		}
	}
	return out
}

// quartile is what three of four are at most off by.
func quartile(of []placed) placed {
	var peaks, unlikes []int
	for _, p := range of {
		peaks, unlikes = append(peaks, p.peak), append(unlikes, p.unlike)
	}
	slices.Sort(peaks)
	slices.Sort(unlikes)
	if len(of) == 0 {
		return placed{}
	}
	return placed{peak: peaks[len(of)*3/4], unlike: unlikes[len(of)*3/4]}
}

// moved reports whether a shape lies in a word that moved as a whole: all
// letters next to it moved alike, and they are not all the same mark.
func moved(shapes []shape, i int, near []int) bool {
	differ := false
	for _, k := range near {
		a, b := &shapes[i], &shapes[k]
		if abs(a.best.X-b.best.X) > together || abs(a.best.Y-b.best.Y) > together {
			return false
		}
		differ = differ || abs(a.Dx()-b.Dx()) > 1 || abs(a.Dy()-b.Dy()) > 1 || 4*abs(len(a.pixels)-len(b.pixels)) > len(a.pixels)
	}
	return differ
}

// neighbours lists for each shape those that lie no further from it than the
// larger of the two is high.
func neighbours(shapes []shape) [][]int {
	order := make([]int, len(shapes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(shapes[a].Min.X, shapes[b].Min.X), cmp.Compare(a, b))
	})
	widest, highest := 0, 0
	for _, s := range shapes {
		widest, highest = max(widest, s.Dx()), max(highest, s.Dy(), s.Dx())
	}
	out := make([][]int, len(shapes))
	for at, i := range order {
		for _, k := range order[at+1:] {
			a, b := &shapes[i], &shapes[k]
			if b.Min.X > a.Max.X+highest {
				break
			}
			gap := max(min(a.Dx(), a.Dy()), min(b.Dx(), b.Dy()), a.Dy(), b.Dy())
			if a.Inset(-gap).Overlaps(b.Rectangle) {
				out[i], out[k] = append(out[i], k), append(out[k], i)
			}
		}
	}
	return out
}

// unclear reports whether a letter or marker is drawn otherwise than in the
// other picture, pixel for pixel, wherever it stands there. What is drawn
// otherwise could be another letter: at the sizes of tick labels a full stop and
// a comma, a 6 and an 8, a minus sign and none differ by less than two ways of
// smoothing one letter do.
func unclear(shapes ...[]shape) bool {
	for _, list := range shapes {
		for _, s := range list {
			if !s.best.same {
				return true
			}
		}
	}
	return false
}
