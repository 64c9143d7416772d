package compare

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
)

const kindJSON = "json"

func init() { comparers[kindJSON] = compareJSON }

// values compares two trees (SPEC.md CMP-60 to CMP-63).
type values struct {
	t     *tally
	watch watcher
	path  []string
	array []bool // of path: whether it is an element of an array
	at    *node  // the group of what is compared
	names map[string]*group
	all   *group
}

// node is the values of one pointer, elements of arrays alike.
type node struct {
	group   *group
	largest *number // published, in magnitude
	members map[string]*node
	element *node
}

func compareJSON(ctx context.Context, j *job) error {
	pub, err := readJSON(j.pub, published)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	new, err := readJSON(j.new, produced)
	if err != nil {
		return err
	}
	j.sameContent = "the same values: only blanks, escapes or the order of keys differ"
	return j.compareValues(&pub, &new)
}

// compareValues compares two trees that were read.
func (j *job) compareValues(pub, new *value) error {
	if j.rule.Signs != "" {
		return &undecided{"signs can be left free in tables and arrays only"}
	}
	c := &values{t: j.tally, watch: j.watch, names: map[string]*group{}, all: &group{name: "the file"}}
	c.at = &node{}
	c.measure(pub, "", "")
	c.compare(pub, new)
	return nil
}

// measure counts the published numbers in their groups, and finds the largest.
func (c *values) measure(v *value, pointer, name string) {
	if v.kind == jsonNumber {
		c.at.count(c, v, pointer, name)
		return
	}
	here := c.at
	for i := range v.elem {
		if v.kind != jsonObject {
			if here.element == nil {
				here.element = &node{}
			}
			c.at = here.element
			c.measure(&v.elem[i], pointer+"/*", name)
			continue
		}
		key := v.keys[i]
		if here.members == nil {
			here.members = map[string]*node{}
		}
		if here.members[key] == nil {
			here.members[key] = &node{}
		}
		c.at = here.members[key]
		c.measure(&v.elem[i], pointer+"/"+key, key)
	}
	c.at = here
}

// count adds a number to the group: those of the pointer; wider, those of the
// last name in it; widest, all that show decimals.
func (n *node) count(c *values, v *value, pointer, name string) {
	if n.group == nil {
		up := c.names[name]
		if up == nil {
			up = &group{name: clip(name), up: c.all, onePen: true}
			c.names[name] = up
		}
		n.group = &group{name: clip(pointer), up: up, onePen: true, typed: true, label: isProgram(name)}
	}
	p := parsed(string(v.text))
	if p == nil {
		return
	}
	n.group.count(p)
	if n.largest == nil || math.Abs(p.float()) > math.Abs(n.largest.float()) {
		n.largest = p
	}
}

func (c *values) compare(pub, new *value) {
	switch {
	case pub.kind != new.kind:
		c.differs(pub, new)
	case pub.kind == jsonNumber:
		c.number(pub, new)
	case pub.kind == jsonString && !bytes.Equal(pub.text, new.text):
		c.differs(pub, new)
	case pub.kind == jsonArray || pub.kind == jsonSeveral:
		c.arrays(pub, new)
	case pub.kind == jsonObject:
		c.objects(pub, new)
	}
}

func (c *values) number(pub, new *value) {
	if bytes.Equal(pub.text, new.text) {
		c.t.same(pub.text)
		return
	}
	if !scans(pub.text) || !scans(new.text) { // beyond the limits on numbers: as text
		c.differs(pub, new)
		return
	}
	c.t.largest, c.t.group = nil, nil
	if c.at != nil {
		c.t.largest, c.t.group = c.at.largest, c.at.group
	}
	what := c.t.judge(pub.text, new.text)
	if c.t.spread != nil {
		what = c.t.settle(what, pub.text, new.text, c.pointer())
	}
	c.t.number(what, pub.text, new.text, c.pointer)
	c.watch.value(c.pointer(), show(pub), show(new), markOf(what))
}

func (c *values) differs(pub, new *value) {
	at := c.pointer()
	c.t.brokenAt(at, show(pub), show(new), "%s: published %s, new %s", at, show(pub), show(new))
	c.watch.value(at, show(pub), show(new), Off)
}

func (c *values) arrays(pub, new *value) {
	both := min(len(pub.elem), len(new.elem))
	for i := range both {
		c.in(fmt.Sprint(i), true, func() { c.compare(&pub.elem[i], &new.elem[i]) })
	}
	for i := both; i < len(pub.elem); i++ {
		c.in(fmt.Sprint(i), true, func() { c.onlyPublished(&pub.elem[i]) })
	}
	for i := both; i < len(new.elem); i++ {
		c.in(fmt.Sprint(i), true, func() { c.onlyNew(&new.elem[i]) })
	}
}

func (c *values) objects(pub, new *value) {
	places := make(map[string]int, len(new.keys))
	for i, key := range new.keys {
		places[key] = i
	}
	for i, key := range pub.keys {
		at, ok := places[key]
		delete(places, key)
		c.in(key, false, func() {
			if !ok {
				c.onlyPublished(&pub.elem[i])
				return
			}
			c.compare(&pub.elem[i], &new.elem[at])
		})
	}
	for i, key := range new.keys {
		if _, extra := places[key]; extra {
			c.in(key, false, func() { c.onlyNew(&new.elem[i]) })
		}
	}
}

func (c *values) onlyPublished(v *value) {
	at := c.pointer()
	c.t.brokenAt(at, show(v), "", "%s is not in the new file", at)
	c.watch.value(at, show(v), "", Off)
}

func (c *values) onlyNew(v *value) {
	at := c.pointer()
	c.t.brokenAt(at, "", show(v), "%s is not in the published file", at)
	c.watch.value(at, "", show(v), Off)
}

func (c *values) in(name string, array bool, do func()) {
	here := c.at
	switch {
	case here == nil:
	case array:
		c.at = here.element
	default:
		c.at = here.members[name]
	}
	c.path, c.array = append(c.path, name), append(c.array, array)
	do()
	c.path, c.array, c.at = c.path[:len(c.path)-1], c.array[:len(c.array)-1], here
}

// pointer is the place by RFC 6901; the whole document is "/".
func (c *values) pointer() string {
	var b strings.Builder
	for _, name := range c.path {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	if b.Len() == 0 {
		return "/"
	}
	return clip(b.String())
}

// show prints a value on one line.
func show(v *value) string {
	switch v.kind {
	case jsonNull:
		return "null"
	case jsonFalse:
		return "false"
	case jsonTrue:
		return "true"
	case jsonNumber:
		return clip(string(v.text))
	case jsonString:
		return fmt.Sprintf("%q", clip(string(v.text)))
	case jsonSeveral:
		return plural(int64(len(v.elem)), "value") + " one after another"
	case jsonArray:
		return "array of " + plural(int64(len(v.elem)), "value")
	}
	return "object of " + strings.Join(slices.Collect(firstKeys(v.keys)), ", ")
}

func firstKeys(keys []string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for i, key := range keys {
			if i == 3 {
				yield("…")
				return
			}
			if !yield(fmt.Sprintf("%q", clip(key))) {
				return
			}
		}
	}
}
