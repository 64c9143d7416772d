package recipe

import (
	"strings"
	"testing"

	"repro/format/manifest"
)

func TestPlaceholders(t *testing.T) {
	for text, want := range map[string]bool{
		"Title of the paper": true, "title of the paper": true, "Title of the paper (draft)": true, "FIXME": true, "TODO: write": true, "<title>": true,
		"Titles of the papers of 1920": false, "Todorov's theorem": false, "XXXL clusters": false, "": false, "On <b> and <i>": false, "Your Names Here": false,
	} {
		if got := isPlaceholder(text); got != want {
			t.Errorf("%q is a placeholder: %v", text, got)
		}
	}
	r := &Recipe{Paper: manifest.Paper{Title: "A study", Authors: []manifest.Author{{Name: "Ada"}, {Name: "Your Name", Affiliation: "TODO"}}, Abstract: "TBD"}}
	var got []string
	for _, p := range r.Placeholders() {
		got = append(got, p.Text[:strings.Index(p.Text, " is a")])
	}
	if want := `authors: "Your Name"|authors: affiliation: "TODO"|abstract: "TBD"`; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", strings.Join(got, "|"), want)
	}
}

func TestAttributes(t *testing.T) {
	const head = "repro: 1\ntitle: t\nauthors: [a]\nenvironment: {host: [sh]}\nsteps: [{name: s, command: [sh]}]\n"
	r, err := Parse("r", []byte(head+"attributes: [user.mime_type, user.x]\n"))
	if err != nil || strings.Join(r.Attributes, " ") != "user.mime_type user.x" {
		t.Errorf("%v, %v", r, err)
	}
	for _, bad := range []string{"[security.selinux]", "[user.]", "[mime]", "user.x", "[user." + strings.Repeat("x", 251) + "]"} {
		if _, err := Parse("r", []byte(head+"attributes: "+bad+"\n")); err == nil || !strings.Contains(err.Error(), "attributes") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestNotSecret(t *testing.T) {
	const head = "repro: 1\ntitle: T\nauthors: [A]\nlicence: MIT\nenvironment: {host: [sh]}\nsteps: [{name: s, command: [a]}]\n"
	r, err := Parse("r", []byte(head+"not_secret: [conf.ini, ./a/b.py]\n"))
	if err != nil || len(r.NotSecret) != 2 || r.NotSecret[0].Value != "conf.ini" || r.NotSecret[1].Value != "a/b.py" || r.NotSecret[0].Pos.Line != 7 {
		t.Errorf("%v, %v", r, err)
	}
	for _, bad := range []string{"x", "['*.py']", "[/etc/x]", "[../x]", "[1]"} {
		if _, err := Parse("r", []byte(head+"not_secret: "+bad+"\n")); err == nil || !strings.Contains(err.Error(), "not_secret") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
