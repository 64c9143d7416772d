package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"repro/cli"
	"repro/gateway/store"
)

// slow is an image whose step count prints a line each fifth of a second, twenty
// times, after a step that is done at once.
var slow = sync.OnceValues(func() ([]byte, error) {
	return build(`repro: 1
title: A slow one
authors: [{name: Ada}]
licence: CC0-1.0
date: 2026-01-01
environment:
  host: [sh, sleep, mkdir]
code: [count.sh]
steps:
  - name: first
    command: [sh, -c, 'mkdir -p out && echo begun && echo 1 >out/first.txt']
    outputs: [out/first.txt]
  - name: count
    command: [sh, count.sh]
    needs: [first]
    outputs: [out/count.txt]
results:
  - name: first
    output: out/first.txt
    published: first.txt
  - name: count
    output: out/count.txt
    published: count.txt
`, map[string]string{
		"count.sh":  "i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo \"line $i <b>\"; sleep 0.2; done; echo $i > out/count.txt\n",
		"first.txt": "1\n", "count.txt": "20\n",
	})
})

// build builds an image of a recipe and files.
func build(recipe string, files map[string]string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "repro-gateway-test")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	files["repro.yaml"] = recipe
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	var said bytes.Buffer
	file := filepath.Join(dir, "out.sif")
	if status := cli.Main([]string{"repro", "build", "-o", file, dir}, nil, &said, &said); status != 0 {
		return nil, fmt.Errorf("build: %s", said.String())
	}
	return os.ReadFile(file)
}

// slowJournal is a journal whose paper takes four seconds.
func slowJournal(t *testing.T) (dir string, p *process, editor *person, path string) {
	t.Helper()
	dir = t.TempDir()
	p, editor, _ = journal(t, dir)
	b, err := slow()
	if err != nil {
		t.Fatal(err)
	}
	return dir, p, editor, editor.submit("j", "slow.sif", b)
}

// event is a server-sent event.
type event struct{ name, id, data string }

// listen follows a run, until its end or until ctx ends.
func (p *person) listen(ctx context.Context, run, last string) (events []event) {
	p.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", p.origin+run+"/events", nil)
	if err != nil {
		p.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := p.client.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		p.Fatalf("events: %d, %v", res.StatusCode, res.Header)
	}
	var e event
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if e.name != "" {
				events = append(events, e)
			}
			e = event{}
		}
	}
	return events
}

// logOf is the text of the events of a log.
func logOf(t *testing.T, events []event) string {
	t.Helper()
	var all strings.Builder
	for _, e := range events {
		var text string
		if e.name == "log" {
			if err := json.Unmarshal([]byte(e.data), &text); err != nil {
				t.Fatal(err)
			}
		}
		all.WriteString(text)
	}
	return all.String()
}

// TestEvents follows a run to its end, and once more from its middle (GTW-22).
func TestEvents(t *testing.T) {
	_, _, editor, path := slowJournal(t)
	run := editor.rerun(path, url.Values{"kind": {"run"}})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	events := editor.listen(ctx, run, "")
	log := logOf(t, events)
	for i := 1; i <= 20; i++ {
		if strings.Count(log, fmt.Sprintf("line %d <b>\n", i)) != 1 {
			t.Errorf("line %d is not there once:\n%s", i, log)
		}
	}
	seen := map[string]int{}
	for _, e := range events {
		seen[e.name]++
	}
	if n := len(events); n == 0 || events[n-1] != (event{"end", events[n-1].id, `"done"`}) || seen["log"] < 4 || seen["progress"] < 2 || seen["state"] < 2 {
		t.Errorf("%+v", events)
	}
	var middle event
	for _, e := range events {
		if e.name == "log" && strings.Contains(e.data, "line 9 ") {
			middle = e
		}
	}
	rest := logOf(t, editor.listen(ctx, run, middle.id))
	if strings.Contains(rest, "line 9 ") || !strings.HasSuffix(log, rest) || !strings.Contains(rest, "line 20 ") {
		t.Errorf("from %s on: %q", middle.id, rest)
	}
	if page := editor.await(run); !strings.Contains(page, "Reproduced 2 of 2") {
		t.Errorf("%s", page)
	}
	if _, text := editor.fetch(run + "/live"); text != log {
		t.Errorf("the log is %q, and events said %q", text, log)
	}
	for _, at := range []string{"?offset=-1", "?offset=x"} {
		if res, _ := editor.fetch(run + "/events" + at); res.StatusCode != 400 {
			t.Errorf("%s: %d", at, res.StatusCode)
		}
	}
}

// TestEventsEndWithTheRole: who loses the role is sent nothing further.
func TestEventsEndWithTheRole(t *testing.T) {
	_, p, editor, path := slowJournal(t)
	reviewer := newPerson(t, p.origin)
	reviewer.join(editor.invite("j", "R 2", "reviewer"))
	run := editor.rerun(path, url.Values{"kind": {"run"}})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	done := make(chan []event)
	go func() { done <- reviewer.listen(ctx, run, "") }()
	for !strings.Contains(editor.get(run), "line 1 ") {
		time.Sleep(50 * time.Millisecond)
	}
	links := editor.get("/v/j/people")
	i := strings.Index(links, "R 2")
	revoke := strings.SplitN(links[i+strings.Index(links[i:], "/v/j/links/"):], `"`, 2)[0]
	editor.post("/v/j/people", revoke, url.Values{}, 200)
	events := <-done
	if log := logOf(t, events); strings.Contains(log, "line 20 ") || len(events) == 0 {
		t.Errorf("a stranger follows the run: %s", log)
	}
	editor.post(run, run+"/cancel", url.Values{}, 200)
}

// TestCancelRun: who asked for a run, or runs the venue, ends it; what was done
// of it is not shown as an answer.
func TestCancelRun(t *testing.T) {
	_, p, editor, path := slowJournal(t)
	one, other := newPerson(t, p.origin), newPerson(t, p.origin)
	one.join(editor.invite("j", "R 1", "reviewer"))
	other.join(editor.invite("j", "R 2", "reviewer"))
	run := one.rerun(path, url.Values{"kind": {"run"}})
	waiting := one.rerun(path, url.Values{"kind": {"run"}})
	for !strings.Contains(one.get(run), "line 2 ") {
		time.Sleep(50 * time.Millisecond)
	}
	other.post(path, run+"/cancel", url.Values{}, 403)
	one.post(run, waiting+"/cancel", url.Values{}, 200)
	if page := one.get(waiting); !strings.Contains(page, "This run was cancelled") || strings.Contains(page, "attempt") {
		t.Errorf("one that waited: %s", page)
	}
	editor.post(run, run+"/cancel", url.Values{}, 200)
	if page := one.await(run); !strings.Contains(page, "This run was cancelled") {
		t.Errorf("%s", page)
	}
	for _, at := range []string{"/record/report.json", "/record.tar", "/record/outputs/out/first.txt", "/record/logs/count.log"} {
		if res, _ := one.fetch(run + at); res.StatusCode != 404 {
			t.Errorf("%s: %d", at, res.StatusCode)
		}
	}
	if page := one.get(path); !strings.Contains(page, "Not run again here yet") {
		t.Errorf("a cancelled run is a verdict: %s", page)
	}
	one.post(path, run+"/cancel", url.Values{}, 403)
}

// TestRestart stops a gateway in the middle of a run and starts it again: what
// is done is not run again, and the run ends well (GTW-21).
func TestRestart(t *testing.T) {
	dir, p, editor, path := slowJournal(t)
	run := editor.rerun(path, url.Values{"kind": {"run"}})
	for !strings.Contains(editor.get(run), "line 2 ") {
		time.Sleep(50 * time.Millisecond)
	}
	begun := time.Now()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil || time.Since(begun) > 20*time.Second {
		t.Errorf("stops with %v after %v", err, time.Since(begun))
	}
	st, err := store.Open(context.Background(), dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := st.Run(context.Background(), filepath.Base(run))
	st.Close()
	if err != nil || r.State != store.RunWaiting {
		t.Errorf("%+v, %v", r, err)
	}
	again := startProcess(t, dir)
	editor.client.Jar.SetCookies(mustParse(t, again.origin), editor.client.Jar.Cookies(mustParse(t, p.origin)))
	editor.origin = again.origin
	page := editor.await(run)
	if !strings.Contains(page, "Reproduced 2 of 2") || !strings.Contains(page, "attempt 2") {
		t.Errorf("%s", page)
	}
	if _, log := editor.fetch(run + "/live"); strings.Count(log, "begun\n") != 1 || !strings.Contains(log, "[begun again, attempt 2]") {
		t.Errorf("the first step ran again: %s", log)
	}
}

// TestOrphan kills a gateway: its worker finishes the run, and is gone then.
func TestOrphan(t *testing.T) {
	dir, p, editor, path := slowJournal(t)
	run := editor.rerun(path, url.Values{"kind": {"run"}})
	for !strings.Contains(editor.get(run), "line 2 ") {
		time.Sleep(50 * time.Millisecond)
	}
	p.Process.Kill()
	p.Wait()
	awaitWorkers(t, dir)
	st, err := store.Open(context.Background(), dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	r, err := st.Run(context.Background(), filepath.Base(run))
	if err != nil || r.State != store.RunDone || r.Outcome != store.OutcomeReproduced || r.Attempts != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}
