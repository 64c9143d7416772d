package gateway

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/gateway/store"
)

// TestMetrics: who watches over the gateway reads what it counts, by a token
// (GTW-13).
func TestMetrics(t *testing.T) {
	admin, _ := start(t)
	admin.submit("j", "paper.sif", adasImage(t))
	watcher := admin.newProgram()
	got := watcher.do("GET", "/metrics", nil, 200)
	for _, want := range []string{
		`repro_gateway_requests_total{method="POST",route="POST /v/{venue}/submissions",status="303"} 1`, "repro_gateway_submissions 1\n", "repro_gateway_runs_waiting 0\n",
		`repro_gateway_requests_total{method="POST",route="POST /join",status="303"} 1`, "repro_gateway_requests_running 1\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	reader := newPerson(t, admin.origin)
	reader.join(admin.invite("j", "R", "reader"))
	reader.do("GET", "/metrics", nil, 403)
}

// TestRates: who tries links, or tokens, is slowed down; who is in is not.
func TestRates(t *testing.T) {
	admin, _ := start(t)
	token := admin.newProgram().token
	thief := newPerson(t, admin.origin)
	busy := 0
	for range 60 {
		r, err := http.NewRequest("POST", admin.origin+"/join", strings.NewReader(url.Values{"token": {"x"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := thief.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode == 429 {
			busy++
			if res.Header.Get("Retry-After") == "" {
				t.Error("does not say when to try again")
			}
		}
	}
	if busy < 20 {
		t.Errorf("%d of 60 attempts were slowed down", busy)
	}
	program{t, admin.origin, "rgw_guess"}.do("GET", "/api/venues", nil, 429)
	program{t, admin.origin, token}.do("GET", "/api/venues", nil, 200)
	for range 100 {
		admin.get("/v/j")
	}
}

// TestBackupCommand backs up a gateway that is running, and starts what is restored.
func TestBackupCommand(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	live := startProcess(t, data)
	admin := newPerson(t, live.origin)
	admin.join(live.token)
	admin.post("/", "/venues", url.Values{"id": {"j"}, "name": {"A journal"}, "quota": {"1"}}, 200)
	image := adasImage(t)
	at := admin.submit("j", "paper.sif", image)
	file, restored := filepath.Join(t.TempDir(), "b.tar"), filepath.Join(t.TempDir(), "restored")
	if got := run(t, 0, "backup", "--data", data, file); !strings.HasPrefix(got, "wrote ") {
		t.Errorf("%q", got)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	admin.post("/v/j/people", "/v/j/blind", url.Values{"blind": {"open"}}, 200) // after the backup
	run(t, 0, "restore", "--data", restored, file)
	again := startProcess(t, restored)
	cookies := admin.client.Jar.Cookies(mustParse(t, admin.origin))
	admin.origin = again.origin
	admin.client.Jar.SetCookies(mustParse(t, admin.origin), cookies)
	if res, got := admin.fetch(at + "/image"); res.StatusCode != 200 || got != string(image) {
		t.Errorf("the image: %d, %d bytes", res.StatusCode, len(got))
	}
	s, err := store.Open(context.Background(), restored, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if v, err := s.Venue(context.Background(), "j"); err != nil || v.Blind != store.SingleBlind {
		t.Errorf("%+v, %v", v, err)
	}
	run(t, 1, "restore", "--data", restored, file)
	run(t, 1, "restore", "--data", restored+"2", file+"x")
	run(t, 1, "backup", "--data", restored+"2", file)
	if _, err := os.Stat(restored + "2"); err == nil {
		t.Error("a backup made a gateway")
	}
	run(t, 2, "backup", "--data", restored)
}

// TestAuditCommand: a log that was exported goes on in the present one, or not.
func TestAuditCommand(t *testing.T) {
	dir := t.TempDir()
	data, other := filepath.Join(dir, "data"), filepath.Join(dir, "other")
	run(t, 0, "venue", "--data", data, "a", "A <x>")
	exported := filepath.Join(dir, "audit.ndjson")
	first := run(t, 0, "audit", "--data", data)
	if err := os.WriteFile(exported, []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, 0, "venue", "--data", data, "b", "B")
	if got := run(t, 0, "audit", "--data", data, "--check", exported); got != "whole: 2 entries, of which "+exported+" has the first 1\n" {
		t.Errorf("%q", got)
	}
	run(t, 0, "venue", "--data", other, "a", "Another")
	if got := run(t, 1, "audit", "--data", other, "--check", exported); !strings.Contains(got, "does not go on from") {
		t.Errorf("another log: %q", got)
	}
	lines := strings.SplitAfter(first, "\n")
	for what, bad := range map[string]string{
		"altered": strings.Replace(first, "add venue", "add menue", 1), "cut": lines[0], "an entry less": lines[1], "more": first + lines[0], "not JSON": "x", "empty": "",
	} {
		if err := os.WriteFile(exported, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := run(t, 1, "audit", "--data", data, "--check", exported); !strings.Contains(got, exported) {
			t.Errorf("%s: %q", what, got)
		}
	}
	run(t, 1, "audit", "--data", filepath.Join(dir, "none"))
}
