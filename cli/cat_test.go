package cli

import (
	"bytes"
	"strings"
	"testing"
)

// TestCopyText prints files on what stands for a terminal.
func TestCopyText(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"a\tb\n":                "a\tb\n",
		"no end":                "no end",
		"dos\r\n":               "dos\n",
		"\x1b[2Jgone\n":         `\u001b[2Jgone` + "\n",
		"left\u202eright\n":     `left\u202eright` + "\n",
		"nul\x00":               "error",
		"\xff\xfe":              "error",
		"bell\aand\bbackspace…": `bell\u0007and\u0008backspace…`,
	} {
		var out bytes.Buffer
		err := copyText(&out, strings.NewReader(in))
		if got := out.String(); (err != nil) != (want == "error") || err == nil && got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}
