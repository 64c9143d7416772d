package compare

// judge compares two numbers without counting them. Where a spread is
// recorded, those that do not agree are moved until [tally.settle] has looked
// at their place; what hangs on the group is decided when all were met.
func (t *tally) judge(pub, new []byte) outcome {
	if !t.p.parse(pub) || !t.n.parse(new) {
		return differs
	}
	return t.judgeParsed()
}

func (t *tally) judgeParsed() outcome {
	if t.group != nil && (t.group.label || t.group.names && t.p.hasPoint() && !t.p.integral()) {
		return differs // the texts are not the same
	}
	f := t.fit()
	if t.p.class != finite || t.n.class != finite {
		if f.rounds {
			return agrees
		}
		return differs
	}
	if what, done := t.read(f); done {
		return what
	}
	if t.spread != nil && t.written != exact {
		if t.spread.random && !t.spread.learning && t.tolerates() {
			return within
		}
		return moved
	}
	return t.beyond(f)
}

// fit is asPrinted of the two numbers just parsed.
func (t *tally) fit() fit {
	if t.binary && t.p.class == finite && t.n.class == finite {
		return fit{rounds: equal(&t.p, &t.n)}
	}
	return asPrinted(&t.p, &t.n)
}

// reading is what the published number just parsed stands for.
func (t *tally) reading() reading {
	switch t.limits.tolerance.Numbers {
	case numbersExact:
		return exact
	case numbersRounded:
		return rounded
	case numbersCut:
		return cutShort
	}
	switch {
	case t.binary:
		return exact
	case t.written != untold:
		return t.written
	case t.group != nil:
		return t.group.read(&t.p)
	}
	return untold
}

// read judges the two finite numbers just parsed, as long as no tolerance is
// needed (CMP-22 to CMP-29).
func (t *tally) read(f fit) (what outcome, done bool) {
	if equal(&t.p, &t.n) && !f.coarse {
		if t.lengthened() {
			return longer, true
		}
		return agrees, true
	}
	switch t.reading() {
	case rounded:
		return agrees, f.rounds
	case cutShort:
		return agrees, f.truncates
	}
	return differs, false
}

// lengthened reports whether zeros were put behind the published number just
// parsed, as 4.1 became 4.10: one number, and two versions or sections (CMP-29a).
func (t *tally) lengthened() bool {
	if t.binary || t.group == nil || t.group.typed || t.spread != nil || t.written != untold || t.limits.tolerance.Numbers != "" || t.limits.tolerant() {
		return false
	}
	p, added := &t.p, t.p.last-t.n.last
	inFull := func(g *group) bool { return g.pub.shortest() }
	return added > 0 && added <= maxAddedZeros && p.decimals() > 0 && p.decimals() <= maxVersionDecimals &&
		len(p.digits) > 0 && !p.padded() && !p.hasExponent() && !t.n.hasExponent() && !t.group.any(inFull)
}

// beyond judges the two finite numbers just parsed, which do not agree.
func (t *tally) beyond(f fit) outcome {
	if t.tolerates() {
		return within
	}
	if t.binary {
		return differs
	}
	if f.coarse {
		return coarse
	}
	switch r := t.reading(); {
	case r == exact || r == cutShort:
		return differs
	case t.n.last > t.p.last:
		return t.fewerDigits()
	case r == rounded:
		if f.truncates && t.group != nil && t.limits.tolerance.Numbers == "" {
			return cut
		}
		return differs
	case f.rounds && !(f.tie && t.p.significant() < 2):
		if t.group == nil {
			t.doubt(&group{name: "this number"}, numbersRounded)
			return unclear
		}
		if r == untold && t.changed() > largeChange && len(t.p.digits) > 0 {
			return differs
		}
		return pending
	case f.truncates && t.group != nil && (r == likely || t.changed() <= largeChange):
		return cut
	}
	return differs
}

// tolerates reports whether the rule accepts the two numbers just parsed. Whole
// numbers of a group that counts or names things are covered only where the
// rule says so (CMP-32, CMP-32a).
func (t *tally) tolerates() bool {
	if !t.limits.tolerant() || t.written == exact {
		return false
	}
	if !t.limits.surely(&t.p, &t.n) {
		if d := between(&t.p, &t.n); !t.limits.accepts(&t.p, &t.n, &d, t.largest) {
			return false
		}
	}
	if t.counts.covers(&t.n) && !t.rule.Whole {
		t.uncovered++
		return false
	}
	if t.group != nil && !t.limits.named && !t.rule.Whole && t.group.counting(&t.p, &t.n) {
		t.uncovered++
		return false
	}
	return true
}

// changed is how far apart the two numbers just parsed are, relative to the
// published one.
func (t *tally) changed() float64 { return ratio(t.p.float(), t.n.float()) }

// fewerDigits judges a new number that shows fewer digits than were published,
// and is not equal. Both may nevertheless be one number in full: programs write
// 15 to 17 digits of it.
func (t *tally) fewerDigits() outcome {
	if t.n.significant() >= fullDigits && asPrinted(&t.n, &t.p).rounds {
		return agrees
	}
	return differs
}

// hang notes a pair that changed, in its group: the two numbers just parsed.
func (t *tally) hang(what outcome) {
	g := t.group
	if g == nil {
		return
	}
	if !g.met {
		g.met = true
		t.groups = append(t.groups, g)
	}
	g.new.add(&t.n)
	if t.p.padded() {
		g.padded++
	}
	fits := asPrinted(&t.p, &t.n)
	truncates := fits.truncates
	if what != coarse && !equal(&t.p, &t.n) {
		for at := g; at != nil; at = at.up {
			if truncates {
				if at.cuts.add(t.p.text, t.n.text) && fits.rounds {
					at.cutLow++
				}
			} else {
				at.uncut++
			}
		}
	}
	for at := g; at != nil; at = at.up {
		if !t.p.whole() && t.n.last < t.p.last {
			at.lengthened++
		}
		switch what {
		case pending:
			at.note(&t.p, &t.n, &g.pub)
		case cut:
			at.cutMet++
		}
	}
	switch what {
	case pending:
		g.pending++
		if g.read(&t.p) == untold {
			g.lonely++
		}
		if t.changed() > largeChange && len(t.p.digits) > 0 {
			g.large++
		}
	case cut:
		g.cut++
	case coarse:
		g.coarse++
	case longer:
		g.longer++
	}
}

// settleGroups decides what hung on groups.
func (t *tally) settleGroups() {
	for _, g := range t.groups {
		g.settle(t)
	}
}
