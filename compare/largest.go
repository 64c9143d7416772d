package compare

import "repro/internal/drawing"

// largest is the difference that the eye meets first, which reasons name: of
// those in one place, by how far a point moved, of others by how much they cover;
// the first of several.
func largest(of []markDifference) (worst *markDifference) {
	most := -1.0
	for i := range of {
		low, high, ok := of[i].span(false)
		size := 0.0
		if ok {
			size = distanceOf(drawing.Point{X: high.X - low.X, Y: high.Y - low.Y})
		}
		if of[i].pub != nil && of[i].new != nil {
			if far := of[i].furthest(); far > 0 {
				size = far
			}
		}
		if size > most {
			worst, most = &of[i], size
		}
	}
	return worst
}

// furthest is how far two paths of equally many points lie apart; 0 of others.
func (m *markDifference) furthest() (far float64) {
	if m.pub.Kind != drawing.Line || len(m.pub.Points) != len(m.new.Points) {
		return 0
	}
	for i, p := range m.pub.Points {
		far = max(far, distanceOf(drawing.Point{X: m.new.Points[i].X - p.X, Y: m.new.Points[i].Y - p.Y}))
	}
	return far
}
