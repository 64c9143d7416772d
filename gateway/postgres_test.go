package gateway

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"repro/gateway/store/storetest"
)

// TestTwoServers: two servers with one database and one folder are one gateway,
// also to who goes from one to the other; and a backup of it restores (GTW-15).
func TestTwoServers(t *testing.T) {
	address := storetest.StartPostgres(t)
	data := filepath.Join(t.TempDir(), "data")
	one := startProcess(t, data, "--database", address)
	two := startProcess(t, data) // the folder remembers
	admin := newPerson(t, one.origin)
	admin.join(two.token)
	admin.post("/", "/venues", url.Values{"id": {"j"}, "name": {"A journal"}, "quota": {"1"}}, 200)
	image := adasImage(t)
	at := admin.submit("j", "paper.sif", image)
	cookies := admin.client.Jar.Cookies(mustParse(t, one.origin))
	admin.origin = two.origin
	admin.client.Jar.SetCookies(mustParse(t, two.origin), cookies)
	if page := admin.get("/v/j"); !strings.Contains(page, at) {
		t.Errorf("the other server: %s", page)
	}
	admin.say(at, 200, url.Values{"words": {"from the other"}})
	if _, got := admin.fetch(at + "/image"); got != string(image) {
		t.Errorf("the image: %d bytes", len(got))
	}
	if got := run(t, 0, "invite", "--data", data, "j", "reader", "R"); !strings.HasPrefix(got, "link ") {
		t.Errorf("%q", got)
	}

	file, restored := filepath.Join(t.TempDir(), "b.tar"), filepath.Join(t.TempDir(), "restored")
	run(t, 0, "backup", "--data", data, file)
	run(t, 1, "restore", "--data", restored, "--database", address, file) // it is in use
	run(t, 0, "restore", "--data", restored, file)
	again := startProcess(t, restored)
	admin.origin = again.origin
	admin.client.Jar.SetCookies(mustParse(t, again.origin), cookies)
	if page := admin.get(at + "/discussion"); !strings.Contains(page, "from the other") {
		t.Errorf("restored: %s", page)
	}
	if got := run(t, 1, "serve", "--data", restored, "--database", address); !strings.Contains(got, "has its data in SQLite") {
		t.Errorf("%q", got)
	}
}
