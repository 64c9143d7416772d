// Package pattern compiles regular expressions when they are first used. A
// package has many that most starts of the program never use, and the process
// that becomes a sandbox none at all; compiling all of them was a fifth of a
// start's time.
package pattern

import (
	"regexp"
	"sync"
)

// Pattern is a regular expression. Goroutines may share it.
type Pattern struct{ compiled func() *regexp.Regexp }

// New returns the pattern of a regular expression that is good: as with
// regexp.MustCompile, one that is not panics, but when it is used.
func New(expr string) *Pattern {
	return &Pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })}
}

// Regexp returns the compiled expression, of which the methods below are those
// of the same name.
func (p *Pattern) Regexp() *regexp.Regexp { return p.compiled() }

func (p *Pattern) MatchString(s string) bool            { return p.Regexp().MatchString(s) }
func (p *Pattern) FindStringSubmatch(s string) []string { return p.Regexp().FindStringSubmatch(s) }
func (p *Pattern) ReplaceAllString(s, by string) string { return p.Regexp().ReplaceAllString(s, by) }
