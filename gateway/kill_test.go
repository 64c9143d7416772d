package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"repro/format/manifest"
	"repro/gateway/store"
)

// workersOf finds the worker processes of a gateway's folder.
func workersOf(t *testing.T, dir string) (pids []int) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if args := strings.Split(string(b), "\x00"); len(args) > 4 && args[1] == "work" && args[4] == dir {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// stubborn is a person and a program whose gateway is killed again and again.
type stubborn struct {
	*testing.T
	dir    string
	p      *process
	editor *person
	path   string // of the submission
	token  string // of an author
	image  []byte

	mu       sync.Mutex
	origin   string
	runs     []string // addresses of those that were confirmed
	uploaded []string // submissions that were confirmed
}

func newStubborn(t *testing.T) *stubborn {
	s := &stubborn{T: t, dir: t.TempDir(), image: paperImage(t)}
	s.p, s.editor, s.path = journal(t, s.dir)
	s.origin = s.p.origin
	page := s.editor.post("/v/j/people", "/v/j/links", url.Values{"label": {"Program"}, "role": {"author"}, "days": {"30"}}, 201)
	s.token = linkToken.FindStringSubmatch(page)[1]
	return s
}

// restart starts a gateway that was killed; sessions go on.
func (s *stubborn) restart() {
	s.Helper()
	old := mustParse(s.T, s.p.origin)
	s.p = startProcess(s.T, s.dir)
	s.editor.origin = s.p.origin
	s.editor.client.Jar.SetCookies(mustParse(s.T, s.p.origin), s.editor.client.Jar.Cookies(old))
	s.mu.Lock()
	s.origin = s.p.origin
	s.mu.Unlock()
}

// kill kills the server, its worker, or both.
func (s *stubborn) kill(what int) {
	s.Helper()
	if what != 0 {
		for _, pid := range workersOf(s.T, s.dir) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	if what != 1 {
		s.p.Process.Kill()
		s.p.Wait()
		s.restart()
	}
}

// ask sends a request of the program. It says whether it was answered.
func (s *stubborn) ask(ctx context.Context, method, path string, body []byte, into any) (status int) {
	s.mu.Lock()
	origin := s.origin
	s.mu.Unlock()
	r, err := http.NewRequestWithContext(ctx, method, origin+path, bytes.NewReader(body))
	if err != nil {
		s.Error(err)
		return 0
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || into != nil && res.StatusCode < 300 && json.Unmarshal(b, into) != nil {
		return 0
	}
	return res.StatusCode
}

// upload sends the image in pieces, over and over, through all kills, until ctx
// ends.
func (s *stubborn) upload(ctx context.Context) {
	type state struct {
		ID         string `json:"id"`
		Offset     int    `json:"offset"`
		Submission string `json:"submission"`
	}
	const piece = 256 << 10
	for ctx.Err() == nil {
		var up state
		begin, _ := json.Marshal(map[string]any{"name": "p.sif", "size": len(s.image), "contentId": manifest.DigestOf([]byte("x"))})
		if s.ask(ctx, "POST", "/v/j/uploads", begin, &up) != 201 {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		for up.Submission == "" && ctx.Err() == nil {
			at := "/v/j/uploads/" + up.ID
			switch {
			case up.Offset < len(s.image):
				s.ask(ctx, "PUT", fmt.Sprintf("%s?offset=%d", at, up.Offset), s.image[up.Offset:min(len(s.image), up.Offset+piece)], nil)
				time.Sleep(20 * time.Millisecond)
			default:
				if s.ask(ctx, "POST", at+"/finish", nil, &up) == 201 {
					continue
				}
			}
			if status := s.ask(ctx, "GET", at, nil, &up); status == 404 {
				break // it was finished, and the answer was lost
			}
		}
		if up.Submission != "" {
			s.mu.Lock()
			s.uploaded = append(s.uploaded, up.Submission)
			s.mu.Unlock()
		}
	}
}

// check fails if a run that is shown as done is not whole.
func (s *stubborn) check(run string) (ended bool) {
	s.Helper()
	page := s.editor.get(run)
	if strings.Contains(page, "data-events") {
		return false
	}
	if !strings.Contains(page, "Reproduced 4 of 4 published results") {
		s.Errorf("%s ended otherwise:\n%.3000s", run, page)
		return true
	}
	var rep struct{ Counts struct{ Reproduced int } }
	if _, b := s.editor.fetch(run + "/record/report.json?download"); json.Unmarshal([]byte(b), &rep) != nil || rep.Counts.Reproduced != 4 {
		s.Errorf("%s is shown as done, and its report is not whole: %.200s", run, b)
	}
	for _, name := range []string{"anova-lower", "anova-average", "anova-higher", "norris"} {
		if res, b := s.editor.fetch(run + "/record/outputs/paper/out/" + name + ".csv?download"); res.StatusCode != 200 || len(b) == 0 {
			s.Errorf("%s: %s: %d, %d bytes", run, name, res.StatusCode, len(b))
		}
	}
	return true
}

// TestKills kills server and worker at random while runs go on and uploads come
// in: nothing that was confirmed is lost, and nothing half-done is shown as done
// (GTW-1, GTW-21). REPRO_KILLS says how often.
func TestKills(t *testing.T) {
	kills := 6
	if n, err := strconv.Atoi(os.Getenv("REPRO_KILLS")); err == nil {
		kills = n
	}
	s := newStubborn(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var uploads sync.WaitGroup
	uploads.Go(func() { s.upload(ctx) })
	random := rand.New(rand.NewPCG(1, uint64(kills)))
	open := map[string]bool{}
	for range kills {
		for len(open) < 2 {
			run := s.editor.rerun(s.path, url.Values{"kind": {"run"}})
			s.runs, open[run] = append(s.runs, run), true
		}
		time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
		s.kill(random.IntN(3))
		for run := range open {
			if s.check(run) {
				delete(open, run)
			}
		}
	}
	cancel()
	uploads.Wait()
	for _, run := range s.runs {
		s.editor.await(run)
		s.check(run)
	}
	s.checkUploads()
	t.Logf("%d kills, %d runs, %d uploads", kills, len(s.runs), len(s.uploaded))
}

// checkUploads compares what was confirmed, byte by byte, and the audit log.
func (s *stubborn) checkUploads() {
	s.Helper()
	for _, id := range s.uploaded {
		if res, b := s.editor.fetch("/v/j/submissions/" + id + "/image"); res.StatusCode != 200 || b != string(s.image) {
			s.Errorf("submission %s: %d, %d bytes", id, res.StatusCode, len(b))
		}
	}
	st, err := store.Open(context.Background(), s.dir, store.Options{})
	if err != nil {
		s.Fatal(err)
	}
	defer st.Close()
	if _, err := st.Audit(context.Background(), func(store.Entry) error { return nil }); err != nil {
		s.Error(err)
	}
}
