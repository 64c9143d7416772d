package outputs

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestLiveLogIsPrintable(t *testing.T) {
	var b strings.Builder
	NewLive(&b).print("a\x1b", []byte("x\x1b[2J\ty\u202eé\xff"))
	if b.String() != "a?: x?[2J\ty?é\ufffd\n" {
		t.Errorf("%q", b.String())
	}
}

func TestLogNames(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"fit", "a/b", "a_b", "..", ".", "../../etc", "x\ny", strings.Repeat("n", 300), "é", ""} {
		log := LogName(name)
		if other, taken := seen[log]; taken {
			t.Errorf("%q and %q share %q", name, other, log)
		}
		seen[log] = name
		if log != filepath.Base(log) || strings.HasPrefix(log, ".") || len(log) > 120 {
			t.Errorf("%q: %q", name, log)
		}
	}
}
