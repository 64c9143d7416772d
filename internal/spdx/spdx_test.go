package spdx

import "testing"

func TestListed(t *testing.T) {
	for id, want := range map[string]bool{
		"MIT": true, "CC-BY-4.0": true, "Apache-2.0": true, "Apache-2.0+": true, "GPL-3.0-or-later": true,
		"GPL-2.0":  true, // deprecated
		"GPL-2.0+": true, "mit": false, "Apache2": false, "": false, "+": false, "LicenseRef-Mine": false,
		"Classpath-exception-2.0": false, "MIT OR ISC": false,
	} {
		if Listed(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
	for id, want := range map[string]bool{"Classpath-exception-2.0": true, "classpath-exception-2.0": false, "MIT": false, "": false} {
		if ListedException(id) != want {
			t.Errorf("exception %q: %v", id, !want)
		}
	}
}

func TestNearest(t *testing.T) {
	for id, want := range map[string]string{
		"mit": "MIT", "Apache2": "Apache-2.0", "apache-2": "Apache-2.0", "CC-BY-4": "CC-BY-4.0", "CC-BY": "CC-BY-4.0", "GPL": "GPL-3.0-or-later",
		"BSD": "BSD-3-Clause", "Proprietary-Terms": "",
	} {
		if got := Nearest(id); got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
}
