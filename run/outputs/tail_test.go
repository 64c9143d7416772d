package outputs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	appendTo := func(name, text string) {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	var shown strings.Builder
	tail := NewTail("fit", NewLive(&shown))
	expect := func(what, want string) {
		t.Helper()
		if shown.String() != want {
			t.Errorf("%s: %q, want %q", what, shown.String(), want)
		}
		shown.Reset()
	}
	tail.Show(first)
	expect("no file yet", "")
	appendTo(first, "one\ntw")
	tail.Show(first)
	expect("half a line", "fit: one\n")
	tail.Show(first)
	expect("nothing new", "")
	appendTo(first, "o\n\nthree")
	tail.Show(first)
	expect("the other half", "fit: two\nfit: \n")
	appendTo(second, "again\n")
	tail.Show(second)
	expect("another try", "fit: three\nfit: again\n")
	appendTo(second, strings.Repeat("x", maxLine)+"y")
	tail.Show(second)
	expect("a line without an end", "fit: "+strings.Repeat("x", maxLine)+"y\n")
	appendTo(second, "last\x1b")
	tail.Show(second)
	tail.End()
	tail.End()
	expect("the end", "fit: last?\n")
}
