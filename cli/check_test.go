package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const twiceRecipe = `repro: 1
title: t
authors: [{name: a}]
date: 2026-01-02
environment: {host: [sh]}
code: [run.sh]
steps: [{name: s, command: [sh, run.sh], outputs: [out/r]}]
results: [{name: r, output: out/r, published: r}]
`

// TestSameImage gives two builds that differ to what build --check asks.
func TestSameImage(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"one", "two"} {
		for file, text := range map[string]string{"repro.yaml": twiceRecipe, "run.sh": "echo " + name + "\n", "r": "1\n"} {
			if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var out bytes.Buffer
		c := &console{in: strings.NewReader(""), out: &out, err: &out}
		if status := play(t.Context(), []string{"repro", "build", filepath.Join(dir, name), "-o", filepath.Join(dir, name+".sif")}, c); status != 0 {
			t.Fatal(out.String())
		}
	}
	var out bytes.Buffer
	c := &console{out: &out, err: &out}
	one, two := filepath.Join(dir, "one.sif"), filepath.Join(dir, "two.sif")
	if err := c.sameImage(t.Context(), one, one); err != nil {
		t.Errorf("one image: %v", err)
	}
	err := c.sameImage(t.Context(), one, two)
	if !errors.Is(err, errTwoBuilds) || !strings.Contains(err.Error(), `layer code, file "/paper/run.sh"`) {
		t.Errorf("two images: %v", err)
	}
	if exitStatus(t.Context(), err) != statusDiffers {
		t.Error("not the status of what differs")
	}
	if !strings.Contains(out.String(), "+echo two") {
		t.Errorf("the difference is not shown:\n%s", out.String())
	}
}
