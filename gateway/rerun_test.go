package gateway

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"repro/cli"
)

// paper is the image of the example nist-strd: four steps, four results.
var paper = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "repro-gateway-test")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	work, file := filepath.Join(dir, "work"), filepath.Join(dir, "paper.sif")
	if err := os.CopyFS(work, os.DirFS("../examples/nist-strd")); err != nil {
		return nil, err
	}
	var said bytes.Buffer
	if status := cli.Main([]string{"repro", "build", "--recipe", filepath.Join(work, "repro.yaml"), "-o", file, work}, nil, &said, &said); status != 0 {
		return nil, errors.New(said.String())
	}
	return os.ReadFile(file)
})

func paperImage(t *testing.T) []byte {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("runs an image")
	}
	if testing.Short() {
		t.Skip("runs an image")
	}
	b, err := paper()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// journal starts a gateway as users do, with a venue, an editor and a paper.
func journal(t *testing.T, dir string) (p *process, editor *person, path string) {
	t.Helper()
	image := paperImage(t)
	p = startProcess(t, dir)
	admin := newPerson(t, p.origin)
	admin.join(p.token)
	admin.post("/", "/venues", url.Values{"id": {"j"}, "name": {"A journal"}, "quota": {"10"}}, 200)
	editor = newPerson(t, p.origin)
	editor.join(admin.invite("j", "Eve", "editor"))
	return p, editor, editor.submit("j", "paper.sif", image)
}

var runAddress = regexp.MustCompile(`/submissions/[a-z0-9]+/runs/[a-z0-9]+`)

// rerun asks for a run and returns the address of its page.
func (p *person) rerun(path string, form url.Values) string {
	p.Helper()
	page := p.post(path, path+"/runs", form, 200)
	m := runAddress.FindString(page)
	if m == "" {
		p.Fatalf("no run in\n%s", page)
	}
	return "/v/j" + m
}

// await loads the page of a run until it has ended.
func (p *person) await(run string) string {
	p.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if page := p.get(run); !strings.Contains(page, "data-events") {
			return page
		}
	}
	p.Fatalf("does not end:\n%s", p.get(run))
	return ""
}

// TestRerun runs a paper again in a browser without scripts, from the button to
// the record (GTW-20).
func TestRerun(t *testing.T) {
	_, editor, path := journal(t, t.TempDir())
	if page := editor.get(path); !strings.Contains(page, "Not run again here yet") || !strings.Contains(page, "Nobody has run it again") {
		t.Errorf("before a run:\n%s", page)
	}
	run := editor.rerun(path, url.Values{"kind": {"run"}})
	page := editor.await(run)
	for _, want := range []string{"Reproduced 4 of 4 published results", "within tolerance", "2.00100000000000E&#43;01", "2.00100000023237E&#43;01", "norris.log", "no network", "report.html"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of the run has no %q:\n%s", want, page)
		}
	}
	if page := editor.get(path); !strings.Contains(page, `class="verdict good" aria-label="Verdict"><strong>Reproduced 4 of 4`) {
		t.Errorf("the submission's page does not begin with the verdict:\n%s", page)
	}
	if page := editor.get("/v/j?state=reproduced"); !strings.Contains(page, path) || strings.Contains(editor.get("/v/j?state=differs"), path) {
		t.Errorf("the venue: %s", page)
	}
	res, html := editor.fetch(run + "/record/report.html")
	if !strings.Contains(res.Header.Get("Content-Security-Policy"), "sandbox") || !strings.Contains(html, "Reproduced 4 of 4 published results") {
		t.Errorf("report: %v", res.Header)
	}
	if log := editor.get(run + "/record/logs/norris.log"); !strings.Contains(log, `<li id="L1">`) {
		t.Errorf("log: %s", log)
	}
	for _, at := range []string{"/record/.repro-run", "/record/none", "/record/logs", "/spread"} {
		if res, _ := editor.fetch(run + at); res.StatusCode != 404 {
			t.Errorf("%s: %d", at, res.StatusCode)
		}
	}
	checkTar(t, editor, run)
}

// checkTar has repro report read what the gateway sends of a run (GTW-22).
func checkTar(t *testing.T, p *person, run string) {
	t.Helper()
	_, body := p.fetch(run + "/record.tar")
	dir := t.TempDir()
	in, folder := tar.NewReader(strings.NewReader(body)), ""
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		folder = filepath.Join(dir, strings.Split(h.Name, "/")[0])
		b, err := io.ReadAll(in)
		name := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if status := cli.Main([]string{"repro", "report", folder}, nil, &out, &out); status != 0 || !strings.Contains(out.String(), "4 of 4") {
		t.Errorf("repro report: %d, %s", status, out.String())
	}
}

// TestKindsOfRuns runs twice, one step, and refuses what the image has not
// (GTW-20).
func TestKindsOfRuns(t *testing.T) {
	_, editor, path := journal(t, t.TempDir())
	twice := editor.rerun(path, url.Values{"kind": {"twice"}})
	step := editor.rerun(path, url.Values{"kind": {"run"}, "step": {"4"}})
	for form, want := range map[string]int{"kind=run&step=0": 400, "kind=run&step=5": 400, "kind=run&step=norris": 400, "kind=shell": 400, "kind=diff": 400, "kind=quick&step=4": 400, "": 400} {
		ask, _ := url.ParseQuery(form)
		editor.post(path, path+"/runs", ask, want)
	}
	if page := editor.await(twice); !strings.Contains(page, "left the same bytes in all 4 files") {
		t.Errorf("twice:\n%s", page)
	}
	page := editor.await(step)
	if !strings.Contains(page, "Reproduced 1 of 1") || !strings.Contains(page, "Only the step norris was run") || strings.Contains(page, `class="verdict good"`) {
		t.Errorf("one step:\n%s", page)
	}
	if page := editor.get(path); !strings.Contains(page, "Reproduced 4 of 4") {
		t.Errorf("a run of one step is taken for the whole:\n%s", page)
	}
}
