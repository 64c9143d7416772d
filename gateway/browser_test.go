package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a real one, 360 pixels wide at first, with or without scripts.
type browser struct {
	ctx   context.Context
	mu    sync.Mutex
	log   []string // what it complained of since the last look
	width int64
}

func newBrowser(t *testing.T, scripts bool) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	name, err := exec.LookPath("chromium")
	if err != nil {
		t.Skipf("needs chromium: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(name), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	ctx, shut := chromedp.NewContext(ctx)
	t.Cleanup(func() { shut(); stop(); cancel() })
	b := &browser{ctx: ctx}
	chromedp.ListenTarget(ctx, func(event any) {
		if e, ok := event.(*log.EventEntryAdded); ok {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.log = append(b.log, e.Entry.Text)
		}
	})
	if err := chromedp.Run(ctx, log.Enable(), network.Enable(), emulation.SetScriptExecutionDisabled(!scripts)); err != nil {
		t.Fatal(err)
	}
	b.resize(t, 360)
	return b
}

func (b *browser) resize(t *testing.T, width int64) {
	t.Helper()
	b.width = width
	if err := chromedp.Run(b.ctx, emulation.SetDeviceMetricsOverride(width, 740, 1, width < 600)); err != nil {
		t.Fatal(err)
	}
}

// as gives the browser the session of a person.
func (b *browser) as(t *testing.T, p *person) {
	t.Helper()
	for _, c := range p.client.Jar.Cookies(mustParse(t, p.origin)) {
		if err := chromedp.Run(b.ctx, network.SetCookie(c.Name, c.Value).WithURL(p.origin).WithHTTPOnly(true)); err != nil {
			t.Fatal(err)
		}
	}
}

// look opens an address and says how wide the page is, its heading, and what
// the browser complained of.
func (b *browser) look(t *testing.T, address string) (width float64, heading string, complaints []string) {
	t.Helper()
	b.mu.Lock()
	b.log = nil
	b.mu.Unlock()
	err := chromedp.Run(b.ctx, chromedp.Navigate(address), chromedp.TextContent("h1", &heading, chromedp.ByQuery),
		chromedp.ActionFunc(func(ctx context.Context) error {
			_, _, _, _, _, content, err := page.GetLayoutMetrics().Do(ctx)
			if err == nil {
				width = content.Width
			}
			return err
		}))
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return width, strings.TrimSpace(heading), b.log
}

// check opens an address: nothing breaks the content policy, and nothing is
// wider than the window.
func (b *browser) check(t *testing.T, address string) {
	t.Helper()
	if width, heading, complaints := b.look(t, address); width > float64(b.width) || heading == "" || len(complaints) > 0 {
		t.Errorf("%s: %q, %v pixels wide of %d, %q", address, heading, width, b.width, complaints)
	}
}

// TestBrowser opens every kind of page with hostile names on it in a real
// browser without scripts: nothing breaks the content policy, and nothing is
// wider than a phone (GTW-7).
func TestBrowser(t *testing.T) {
	b := newBrowser(t, false)
	author, path, _ := submitted(t)
	b.as(t, author)
	for _, at := range []string{"/", "/join?token=x", "/v/j", path, path + "/files/", path + "/files/paper", path + "/files/paper/page.html", path + "/software"} {
		b.check(t, author.origin+at)
	}
	b.resize(t, 1440)
	b.check(t, author.origin+"/v/j")
	var hidden float64
	if err := chromedp.Run(b.ctx, chromedp.Evaluate(`document.querySelector("tbody th a").textContent = "W".repeat(300), document.querySelector(".scroll").scrollWidth - document.querySelector(".scroll").clientWidth`, &hidden)); err != nil || hidden > 0 {
		t.Errorf("a long title moves %v pixels of the verdicts out of sight: %v", hidden, err)
	}
	b.resize(t, 360)
	wide := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		io.WriteString(w, `<!doctype html><meta name="viewport" content="width=device-width"><h1 style="width:900px">x</h1><img src="/x.png">`)
	}))
	defer wide.Close()
	if width, _, complaints := b.look(t, wide.URL); width <= 360 || len(complaints) == 0 {
		t.Errorf("this test sees nothing: %v pixels, %q", width, complaints)
	}
}

const dot = "iVBORw0KGgoAAAANSUhEUgAAACgAAAAoCAAAAACpleexAAAAUElEQVR42mOwsXdy9fD2C/wPBTn5RaUV1XWNMP6c+YuWrli9biPDqEK8CmECIeFRsQnJaZkwfkt7V++EydNmwvijCvErHE1mo+lxND0OO4UAaUl+XRoGHBQAAAAASUVORK5CYII="

// figures is an image with pictures, a table that comes out otherwise, a
// notebook and a second version of itself.
func figures(t *testing.T, value string) []byte {
	t.Helper()
	plot := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 60" width="240" height="120"><rect width="120" height="60" fill="#fff"/><polyline points="5,55 30,30 60,40 115,8" fill="none" stroke="#1f4f8f" stroke-width="2"/><text x="8" y="14" font-size="8">survival</text></svg>`
	notebook, _ := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 5, "metadata": map[string]any{}, "cells": []any{
		map[string]any{"cell_type": "markdown", "metadata": map[string]any{}, "source": []string{"# Survival of mice\n", "with <b>markup</b>"}},
		map[string]any{"cell_type": "code", "metadata": map[string]any{}, "execution_count": 1, "source": "plot(d)", "outputs": []any{
			map[string]any{"output_type": "stream", "name": "stdout", "text": []string{"40 mice\n"}},
			map[string]any{"output_type": "display_data", "metadata": map[string]any{}, "data": map[string]any{"image/png": dot}}}},
	}})
	b, err := build(`repro: 1
title: Survival of mice under two diets, a reanalysis of the trial of 2024
authors: [{name: Ada Lovelace}]
licence: CC0-1.0
date: 2026-01-01
environment:
  host: [sh, base64, mkdir, cp, cat, sleep]
code: [draw.sh, notes.ipynb]
data: [mice.csv]
steps:
  - name: figures
    command: [sh, draw.sh]
    outputs: [out/plot.svg, out/dot.png]
  - name: table
    command: [sh, -c, 'mkdir -p out && cat mice.csv >out/table.csv && echo 40 mice']
    outputs: [out/table.csv]
results:
  - {name: survival-curve, output: out/plot.svg, published: plot.svg, claim: Figure 1}
  - {name: heat-map, output: out/dot.png, published: dot.png, claim: Figure 2}
  - {name: group-means, output: out/table.csv, published: table.csv, claim: 'Table 1: mean survival in days'}
`, map[string]string{
		"draw.sh":     "mkdir -p out\ncat >out/plot.svg <<'E'\n" + plot + "\nE\nbase64 -d >out/dot.png <<'E'\n" + dot + "\nE\n",
		"notes.ipynb": string(notebook),
		"mice.csv":    "group,mean,sd\ncontrol,31.250,2.5\ndiet," + value + ",3.125\n", "plot.svg": plot + "\n", "dot.png": decoded(t, dot), "table.csv": "group,mean,sd\ncontrol,31.25,2.5\ndiet,38.5,3.125\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// axe is the text of axe-core, from script/accessibility; empty if it is not here
// and must not be fetched.
func axe(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "repro-accessibility")
	if os.Getenv("REPRO_TEST_NETWORK") != "" {
		if out, err := exec.Command("../script/accessibility", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "axe.min.js"))
	if err != nil {
		t.Skipf("needs axe-core, which script/accessibility fetches: %v", err)
	}
	return string(b)
}

// violations are what axe-core has against the page that is open.
func (b *browser) violations(t *testing.T, axe string) (all []string) {
	t.Helper()
	err := chromedp.Run(b.ctx, chromedp.Evaluate(axe+`;0`, nil), chromedp.Evaluate(
		`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html.slice(0, 160) + " " + n.failureSummary).join(" | ")))`,
		&all, awaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// shot leaves a picture of the page in the folder REPRO_SCREENSHOTS.
func (b *browser) shot(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("REPRO_SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	if err := chromedp.Run(b.ctx, chromedp.FullScreenshot(&png, 100)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, b.width)), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAccessible walks over every page of an editor on a phone, a tablet and a
// wide screen, there also in the dark: axe-core finds nothing, nothing is too wide.
func TestAccessible(t *testing.T) {
	script := axe(t)
	b := newBrowser(t, true)
	_, editor, _ := journal(t, t.TempDir())
	former := editor.submit("j", "mice.sif", figures(t, "38.5"))
	path := editor.submitAs("j", "mice.sif", figures(t, "41"), filepath.Base(former))
	run, twice := editor.rerun(path, url.Values{"kind": {"run"}}), editor.rerun(former, url.Values{"kind": {"twice"}})
	diff := editor.rerun(path, url.Values{"kind": {"diff"}})
	for _, at := range []string{run, twice, diff} {
		editor.await(at)
	}
	b.as(t, editor)
	pages := map[string]string{
		"home": "/", "venue": "/v/j", "none": "/v/j?q=nothing", "people": "/v/j/people", "submission": path, "former": former, "run": run, "twice": twice, "diff": diff,
		"software": path + "/software", "folder": path + "/files/paper", "text": path + "/files/paper/draw.sh", "table": path + "/files/paper/mice.csv",
		"notebook": path + "/files/paper/notes.ipynb", "picture": path + "/files/plot.svg?layer=published", "output": run + "/record/outputs/paper/out/table.csv",
		"tokens": "/tokens", "keys": "/v/j/keys", "names": path + "/names", "discussion": path + "/discussion", "reviews": path + "/reviews", "join": "/join?token=x",
		"log": run + "/record/logs/table.log", "missing": path + "/files/none",
	}
	schemes := map[int64][]string{360: {"light"}, 768: {"light"}, 1440: {"light", "dark"}}
	for name, at := range pages {
		for _, width := range []int64{360, 768, 1440} {
			b.resize(t, width)
			for _, scheme := range schemes[width] {
				if err := chromedp.Run(b.ctx, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}})); err != nil {
					t.Fatal(err)
				}
				if name == "missing" { // its status is one that browsers note
					b.look(t, editor.origin+at)
				} else {
					b.check(t, editor.origin+at)
				}
				for _, v := range b.violations(t, script) {
					t.Errorf("%s, %d, %s: %s", name, width, scheme, v)
				}
				b.shot(t, name+"-"+scheme)
			}
		}
	}
	if err := chromedp.Run(b.ctx, chromedp.Navigate("data:text/html,<img src=x><input>")); err != nil {
		t.Fatal(err)
	}
	if len(b.violations(t, script)) < 2 {
		t.Error("this test sees nothing")
	}
}

// TestLivePage presses the button in a browser with scripts, and the page follows
// the run to its end by itself.
func TestLivePage(t *testing.T) {
	b := newBrowser(t, true)
	_, _, editor, path := slowJournal(t)
	b.as(t, editor)
	var address, live, end string
	err := chromedp.Run(b.ctx, chromedp.Navigate(editor.origin+path), chromedp.Submit(`form[action$="/runs"]`, chromedp.ByQuery),
		chromedp.WaitVisible(`[data-events]`, chromedp.ByQuery), chromedp.Location(&address),
		chromedp.Poll(`document.querySelector('[data-live=log]').textContent.includes("line 7 <b>")`, nil),
		chromedp.Text(`[data-live=words]`, &live, chromedp.ByQuery))
	if err != nil {
		t.Fatal(err)
	}
	b.shot(t, "live")
	if !strings.Contains(live, "1 of 2 done") {
		t.Errorf("progress: %q", live)
	}
	if err := chromedp.Run(b.ctx, chromedp.WaitVisible(`section.verdict.good`, chromedp.ByQuery), chromedp.Text(`section.verdict`, &end, chromedp.ByQuery)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(end, "Reproduced 2 of 2 published results") || !strings.Contains(address, "/runs/") {
		t.Errorf("%s: %q", address, end)
	}
}

// TestUploadInPieces sends an image by the script of the page, through a gateway
// that breaks every other piece off, and as a new version.
func TestUploadInPieces(t *testing.T) {
	b := newBrowser(t, true)
	image := paperImage(t)
	admin, _ := start(t)
	author := newPerson(t, admin.origin)
	author.join(admin.invite("j", "Ada", "author"))
	former := author.submit("j", "old.sif", image)
	broken := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "PUT" && broken < 3 {
			broken++
			if broken == 2 { // half of it comes through
				half, _ := http.NewRequest("PUT", author.origin+r.URL.RequestURI(), io.LimitReader(r.Body, 1<<20))
				half.Header = r.Header.Clone()
				half.Header.Set("Origin", author.origin)
				if res, err := http.DefaultClient.Do(half); err == nil {
					res.Body.Close()
				}
			}
			panic(http.ErrAbortHandler)
		}
		forward(w, r, author.origin)
	}))
	defer proxy.Close()
	b.as(t, &person{t, author.client, author.origin})
	for _, c := range author.client.Jar.Cookies(mustParse(t, author.origin)) {
		if err := chromedp.Run(b.ctx, network.SetCookie(c.Name, c.Value).WithURL(proxy.URL).WithHTTPOnly(true)); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "new.sif")
	if err := os.WriteFile(file, image, 0o600); err != nil {
		t.Fatal(err)
	}
	var text string
	err := chromedp.Run(b.ctx, chromedp.Navigate(proxy.URL+"/v/j"), chromedp.SetUploadFiles(`input[type=file]`, []string{file}, chromedp.ByQuery),
		chromedp.SetValue(`select[name=former]`, filepath.Base(former), chromedp.ByQuery),
		chromedp.Click(`form[data-upload] button`, chromedp.ByQuery), chromedp.WaitVisible(`#versions`, chromedp.ByQuery), chromedp.Text(`main`, &text, chromedp.ByQuery))
	if err != nil {
		t.Fatal(err)
	}
	if broken < 3 || !strings.Contains(text, "new.sif") || !strings.Contains(text, "Former:") {
		t.Errorf("%d pieces were broken off: %s", broken, text)
	}
	m := regexp.MustCompile(`/submissions/([a-z0-9]+)"`).FindAllStringSubmatch(author.get("/v/j"), -1)
	if len(m) != 2 {
		t.Fatalf("%q", m)
	}
	for _, id := range m {
		if _, got := author.fetch("/v/j/submissions/" + id[1] + "/image"); got != string(image) {
			t.Errorf("%s: %d bytes of %d", id[1], len(got), len(image))
		}
	}
}

func awaitPromise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

func decoded(t *testing.T, text string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// forward hands a request on to the gateway at origin.
func forward(w http.ResponseWriter, r *http.Request, origin string) {
	to, err := url.Parse(origin)
	if err != nil {
		panic(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(to)
		if p.In.Header.Get("Origin") != "" {
			p.Out.Header.Set("Origin", origin)
		}
		p.Out.Header.Del("Sec-Fetch-Site")
	}}
	proxy.ServeHTTP(w, r)
}
