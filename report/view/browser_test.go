package view

import (
	"context"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"repro/compare"
	"repro/format/manifest"
)

// outside is a host that nobody answers for (RFC 5737).
const outside = "http://192.0.2.1/"

// browse opens a page and takes its picture. It returns what the browser says,
// and all addresses that its network log names but those of its maker's.
func browse(t *testing.T, browser, page, shot string) (string, []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	dir := t.TempDir()
	log := filepath.Join(dir, "net.json")
	out, err := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--enable-logging=stderr", "--hide-scrollbars", "--timeout=5000",
		"--log-net-log="+log, "--window-size=1200,900", "--screenshot="+shot, "file://"+page).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, m := range regexp.MustCompile(`"url":"(https?://([^/"]*)[^"]*)"`).FindAllStringSubmatch(string(b), -1) {
		if !strings.HasSuffix(m[2], ".google.com") && !strings.HasSuffix(m[2], ".googleapis.com") && !strings.HasSuffix(m[2], ".gvt1.com") {
			asked = append(asked, m[1])
		}
	}
	return string(out), asked
}

// TestBrowserAsksForNothing opens a report with figures that would load a
// picture and run a script; and, so that the test is known to see requests, one
// of the figures by itself.
func TestBrowserAsksForNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skipf("needs chromium: %v", err)
	}
	r, files := sample(t)
	svg := `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><style>@import url("` + outside + `a.css");</style>` +
		`<script>fetch("` + outside + `b")</script><image width="9" height="9" href="` + outside + `c.png"/><text y="20">%s</text></svg>`
	files.Published.(fstest.MapFS)["d.svg"] = &fstest.MapFile{Data: fmt.Appendf(nil, svg, "1.5")}
	files.New.(fstest.MapFS)["paper/d.svg"] = &fstest.MapFile{Data: fmt.Appendf(nil, svg, "1.6")}
	found, err := compare.Results(context.Background(), files.Published, files.New,
		[]manifest.Result{{Name: "drawing", Published: "d.svg", Output: "/paper/d.svg"}}, compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Findings = append(found, r.Findings...)
	dir := t.TempDir()
	report, alone := filepath.Join(dir, "report.html"), filepath.Join(dir, "d.svg")
	text := html(t, r, files)
	if n := strings.Count(text, "data:image/svg&#43;xml;base64,"); n != 3 {
		t.Fatalf("%d drawings, want both and their difference", n)
	}
	for name, content := range map[string]string{report: text, alone: fmt.Sprintf(svg, "1.5")} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, asked := browse(t, browser, report, filepath.Join(dir, "a.png"))
	if len(asked) > 0 {
		t.Errorf("the report asks for %q", asked)
	}
	if strings.Contains(out, "CONSOLE") {
		t.Errorf("the browser says: %s", out)
	}
	if _, asked := browse(t, browser, alone, filepath.Join(dir, "b.png")); !slices.Contains(asked, outside+"c.png") {
		t.Errorf("the drawing by itself asks for %q: this test sees no requests", asked)
	}
}

// TestBrowser opens the report in a real browser: its policy must refuse
// nothing of it, and its style sheet must have been applied.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skipf("needs chromium: %v", err)
	}
	r, files := sample(t)
	dir := t.TempDir()
	report, shot := filepath.Join(dir, "report.html"), filepath.Join(dir, "shot.png")
	if err := os.WriteFile(report, []byte(html(t, r, files)), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := browse(t, browser, report, shot)
	for line := range strings.Lines(out) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("the browser says: %s", line)
		}
	}
	f, err := os.Open(shot)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	const paper = 0xfbfaf8 // --paper of the light style sheet
	if r, g, b, _ := m.At(3, 3).RGBA(); r>>8<<16|g>>8<<8|b>>8 != paper {
		t.Errorf("the page is %06x: its style sheet was not applied", r>>8<<16|g>>8<<8|b>>8)
	}
}
