package newick

import (
	"strings"

	"repro/internal/badfile"
)

// Command is one command of a Nexus file: its block, its words without
// comments, and, of a command that gives a tree, that tree.
type Command struct {
	Block string // in small letters
	Words []string
	Tree  *Node
}

// ReadNexus reads the commands of a Nexus file (Maddison, Swofford and Maddison,
// Systematic Biology 46(4), 1997). Comments carry nothing, but those in trees
// that begin with &.
func ReadNexus(text string) ([]Command, error) {
	if len(text) < 6 || !strings.EqualFold(text[:6], "#NEXUS") {
		return nil, badfile.Damaged("it does not begin as one")
	}
	r := &reader{s: text[6:]}
	block := ""
	var out []Command
	for {
		r.comment()
		if r.peek() == 0 {
			break
		}
		if len(out) == maxNodes {
			return nil, badfile.TooLarge("more than %d commands", maxNodes)
		}
		c, err := r.command(block)
		if err != nil {
			return nil, err
		}
		first := ""
		if len(c.Words) > 0 {
			first = strings.ToLower(c.Words[0])
		}
		switch {
		case first == "begin" && len(c.Words) > 1:
			block = strings.ToLower(c.Words[1])
			c.Block = block
		case (first == "end" || first == "endblock") && len(c.Words) == 1:
			block = ""
			continue
		}
		out = append(out, c)
	}
	if block != "" {
		return nil, badfile.Damaged("the block %q does not end", badfile.Shorten(block))
	}
	return out, nil
}

// command reads the words up to a semicolon; a tree is what stands behind the
// equals sign of a command of that name.
func (r *reader) command(block string) (Command, error) {
	c := Command{Block: block}
	for {
		switch r.comment(); r.peek() {
		case 0:
			return c, badfile.Damaged("a command does not end")
		case ';':
			r.s = r.s[1:]
			return c, nil
		}
		isTree := len(c.Words) > 0 && (strings.EqualFold(c.Words[0], "tree") || strings.EqualFold(c.Words[0], "utree"))
		if r.peek() == '=' && isTree && block == "trees" {
			r.s = r.s[1:]
			comment := r.comment()
			n, err := r.node(0)
			if err != nil {
				return c, err
			}
			n.Comment = comment + n.Comment
			c.Tree = &n
			continue
		}
		word, err := r.word()
		if err != nil {
			return c, err
		}
		if r.nodes++; r.nodes > maxNodes {
			return c, badfile.TooLarge("more than %d words", maxNodes)
		}
		c.Words = append(c.Words, word)
	}
}

// word takes a word, or one of the marks between words.
func (r *reader) word() (string, error) {
	if strings.IndexByte("=,()[]:/\\{}\"", r.peek()) >= 0 {
		mark := r.s[:1]
		r.s = r.s[1:]
		return mark, nil
	}
	if r.peek() == '\'' {
		text, err := r.label()
		return "'" + text + "'", err
	}
	end := strings.IndexAny(r.s, "=,()[]:/\\{}\"';"+blanks)
	if end < 0 {
		end = len(r.s)
	}
	word := r.s[:end]
	r.s = r.s[end:]
	return word, nil
}
