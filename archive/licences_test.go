package archive

import (
	"bytes"
	"slices"
	"testing"
)

func TestLicenceIDs(t *testing.T) {
	got := licenceIDs("(MIT OR Apache-2.0+) AND GPL-2.0-only WITH Classpath-exception-2.0", "", "MIT")
	want := []string{"Apache-2.0+", "Classpath-exception-2.0", "GPL-2.0-only", "MIT"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLicenceText(t *testing.T) {
	for id, says := range map[string]string{
		"MIT": "Permission is hereby granted, free of charge", "GPL-3.0-or-later": "GNU GENERAL PUBLIC LICENSE",
		"AGPL-3.0-only": "AFFERO", "Apache-2.0+": "Apache License", "CC-BY-4.0": "Attribution 4.0 International",
		"ODbL-1.0": "Open Database License", "LicenseRef-Mine": "", "MIT-or-later/../MIT": "",
	} {
		if b := licenceText(id); !bytes.Contains(b, []byte(says)) || says == "" && b != nil {
			t.Errorf("%s: %.80q", id, b)
		}
	}
	files, err := licenceTexts.ReadDir("licences")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := licenceTexts.ReadFile("licences/" + f.Name())
		if err != nil || len(b) < 400 || bytes.Contains(b, []byte("\r")) || b[len(b)-1] != '\n' {
			t.Errorf("%s: %d bytes: %v", f.Name(), len(b), err)
		}
	}
}
