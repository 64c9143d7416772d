package compare

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// findKeys turns the names of the key columns into places.
func (c *table) findKeys(names []string) error {
	for _, name := range names {
		i := slices.Index(c.header, name)
		if i < 0 {
			return &undecided{fmt.Sprintf("the published table has no column %q to name its rows by", name)}
		}
		if slices.Index(c.header[i+1:], name) >= 0 {
			return &undecided{fmt.Sprintf("the published table has two columns %q", name)}
		}
		c.keys = append(c.keys, i)
	}
	return nil
}

// key returns what names a row: of the published table, or with the places of
// the columns in the new one.
func (c *table) key(it *item, place func(int) int) string {
	parts := make([]string, len(c.keys))
	for i, col := range c.keys {
		if place != nil {
			col = place(col)
		}
		parts[i] = string(it.value(col))
	}
	return strings.Join(parts, "\x00")
}

// byKey compares rows wherever they stand.
func (c *table) byKey(ctx context.Context, pub, new *queue) error {
	rows, order, err := c.index(ctx, pub)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for steps := 0; ; steps++ {
		if steps%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		n, err := new.peek(0)
		if err != nil {
			return err
		}
		if n == nil {
			break
		}
		c.keyed(rows, seen, n)
		new.pop(1)
	}
	for _, key := range order {
		if !seen[key] {
			c.dropped(rows[key])
		}
	}
	return nil
}

func (c *table) keyed(rows map[string]*item, seen map[string]bool, n *item) {
	key := c.key(n, c.place)
	p, ok := rows[key]
	switch {
	case !ok:
		c.added(n)
	case seen[key]:
		c.t.brokenAt(c.name(p), string(p.text), string(n.text), "%s stands twice in the new table", c.name(p))
		c.watch.added(n)
	default:
		seen[key] = true
		together(p, n, c.judge(p, n), c)
	}
}

// index keeps the rows of the published table by key.
func (c *table) index(ctx context.Context, pub *queue) (map[string]*item, []string, error) {
	rows, order, size := map[string]*item{}, []string(nil), 0
	for steps := 0; ; steps++ {
		if steps%1024 == 0 && ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		p, err := pub.peek(0)
		if err != nil || p == nil {
			return rows, order, err
		}
		key := c.key(p, nil)
		if rows[key] != nil {
			return nil, nil, &undecided{fmt.Sprintf("two rows of the published table have the key %s", quote([]byte(strings.ReplaceAll(key, "\x00", " "))))}
		}
		if size += len(p.text) + len(p.cells)*32; size > maxKeyed {
			return nil, nil, tooLarge(published, "rows to find by key have more than %d bytes", maxKeyed)
		}
		kept := &item{n: p.n, text: slices.Clone(p.text), cells: slices.Clone(p.cells)}
		rows[key] = kept
		order = append(order, key)
		pub.pop(1)
	}
}
