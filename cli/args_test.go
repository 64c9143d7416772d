package cli

import (
	"io"
	"strings"
	"testing"
)

func TestPermute(t *testing.T) {
	app := newApp(&console{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
	for in, want := range map[string]string{
		"repro":                                   "repro",
		"repro verify a.sif --key k":              "repro verify --key k -- a.sif",
		"repro verify --key k a.sif":              "repro verify --key k -- a.sif",
		"repro verify a.sif --key=k --json":       "repro verify --key=k --json -- a.sif",
		"repro verify a.sif --json --key k b":     "repro verify --json --key k -- a.sif b",
		"repro -q verify a.sif --key k":           "repro -q verify --key k -- a.sif",
		"repro --color never verify a.sif":        "repro --color never verify -- a.sif",
		"repro verify -- --key k":                 "repro verify -- --key k",
		"repro verify a -- --key k":               "repro verify -- a --key k",
		"repro verify a.sif --key":                "repro verify --key -- a.sif",
		"repro key new alice --name Alice":        "repro key new --name Alice -- alice",
		"repro verify - --json":                   "repro verify --json -- -",
		"repro verify a.sif --wrong b":            "repro verify --wrong -- a.sif b",
		"repro nonsense --key k":                  "repro -- nonsense --key k",
		"repro verify --generate-bash-completion": "repro verify --generate-bash-completion",
	} {
		if got := strings.Join(permute(app, strings.Fields(in)), " "); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
}
