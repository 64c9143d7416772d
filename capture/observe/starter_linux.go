//go:build linux && (amd64 || arm64)

package observe

import (
	"bytes"
	"debug/elf"
	"os"
	"strings"
)

// maxFirstLine is how much of a script's first line Linux looks at.
const maxFirstLine = 256

// starter returns what the kernel reads besides the file at name to start it:
// the interpreter of its first line, or the loader of its ELF header; "" if
// nothing else.
func starter(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, maxFirstLine)
	n, _ := f.ReadAt(head, 0)
	head = head[:n]
	if rest, ok := bytes.CutPrefix(head, []byte("#!")); ok {
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		if words := strings.Fields(string(line)); len(words) > 0 && strings.HasPrefix(words[0], "/") {
			return words[0]
		}
		return ""
	}
	if !bytes.HasPrefix(head, []byte(elf.ELFMAG)) {
		return ""
	}
	e, err := elf.NewFile(f)
	if err != nil {
		return ""
	}
	for _, p := range e.Progs {
		if p.Type != elf.PT_INTERP || p.Filesz > maxText {
			continue
		}
		b := make([]byte, p.Filesz)
		if _, err := p.ReadAt(b, 0); err == nil {
			return strings.TrimRight(string(b), "\x00")
		}
	}
	return ""
}
