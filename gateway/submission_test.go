package gateway

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
)

// hostile is a text that would be markup, and that reorders what follows it.
const hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202egpj"

// ownScript is the one script of each page.
const ownScript = `<script src="/script.js" defer></script>`

// hostileImage makes an image of which every name is hostile.
func hostileImage(t *testing.T) []byte {
	t.Helper()
	env, code, published := tree.NewDir(), tree.NewDir(), tree.NewDir()
	name := strings.ReplaceAll(hostile, "/", "_")
	put := func(root *tree.Node, at string, n *tree.Node) {
		if err := root.Put(at, n); err != nil {
			t.Fatal(err)
		}
	}
	put(env, "bin/sh", tree.NewFile(0o755, []byte("\x7fELF\x00")))
	put(code, "paper/"+name, tree.NewFile(0o644, []byte("a\tb "+hostile+"\r\nlast\n")))
	put(code, "paper/page.html", tree.NewFile(0o644, []byte("<script>alert(1)</script>")))
	put(code, "paper/empty", tree.NewFile(0o644, nil))
	put(code, "paper/loop", tree.NewSymlink("/../../../etc/passwd"))
	put(published, "r.txt", tree.NewFile(0o644, []byte("1\n")))
	file := filepath.Join(t.TempDir(), "x.sif")
	_, err := format.Create(context.Background(), file, format.Spec{
		Manifest: manifest.Manifest{
			Version: manifest.Version, Arch: "amd64", Environment: manifest.Environment{Kind: "host", Source: hostile},
			Paper:   manifest.Paper{Title: hostile, Authors: []manifest.Author{{Name: hostile}}, Date: "2026-01-01T00:00:00Z"},
			Steps:   []manifest.Step{{Name: "run", Command: []string{"sh", "-c", hostile}, Dir: "/paper", Outputs: []string{"/paper/r.txt"}}},
			Results: []manifest.Result{{Name: "r", Output: "/paper/r.txt", Published: "r.txt", Claim: hostile}},
		},
		Recipe: []byte("title: T\n"), Inspect: []byte("{}\n"),
		Layers: []format.LayerSpec{
			{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: env},
			{Name: "code", Role: manifest.RoleLayer, Tree: code},
			{Name: "published", Role: manifest.RoleHidden, Tree: published},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// submit sends an image as a browser does and returns the path of its page.
func (p *person) submit(venue, name string, b []byte) string {
	p.Helper()
	return p.submitAs(venue, name, b, "")
}

// submitAs sends it as a new version of another submission.
func (p *person) submitAs(venue, name string, b []byte, former string) string {
	p.Helper()
	m := formToken.FindStringSubmatch(p.get("/v/" + venue))
	if m == nil {
		p.Fatal("no form")
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	if err := w.WriteField("former", former); err != nil {
		p.Fatal(err)
	}
	part, err := w.CreateFormFile("image", name)
	if err != nil {
		p.Fatal(err)
	}
	part.Write(b)
	w.Close()
	res, err := p.client.Post(p.origin+"/v/"+venue+"/submissions?form="+m[1], w.FormDataContentType(), &body)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != 200 {
		p.Fatalf("%d %s", res.StatusCode, text)
	}
	return res.Request.URL.Path
}

// fetch returns an answer and its body.
func (p *person) fetch(path string) (*http.Response, string) {
	p.Helper()
	res, err := p.client.Get(p.origin + path)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatal(err)
	}
	return res, string(b)
}

// submitted starts a gateway with the hostile image in it, seen by its author.
func submitted(t *testing.T) (author *person, path string, image []byte) {
	t.Helper()
	admin, _ := start(t)
	author = newPerson(t, admin.origin)
	author.join(admin.invite("j", "Ada", "author"))
	image = hostileImage(t)
	return author, author.submit("j", hostile+".sif", image), image
}

// TestHostileImage: no name of an image becomes markup or moves text about (GTW-7).
func TestHostileImage(t *testing.T) {
	author, path, _ := submitted(t)
	odd := url.PathEscape(strings.ReplaceAll(hostile, "/", "_"))
	for _, c := range []struct {
		path   string
		escape bool // the hostile text is on it
	}{
		{"/v/j", true}, {path, true}, {path + "/files/", false}, {path + "/files/paper", true}, {path + "/files/paper/" + odd, true},
		{path + "/files/paper/page.html", false}, {path + "/files/?layer=published", false}, {path + "/files/r.txt?layer=published", false}, {path + "/files/paper/empty", false},
	} {
		page := strings.Replace(author.get(c.path), ownScript, "", 1)
		for _, bad := range []string{"<script", "<img", "\u202e"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s: has %q:\n%s", c.path, bad, page)
			}
		}
		if c.escape && (!strings.Contains(page, "&lt;script&gt;") || !strings.Contains(page, `\u202e`)) {
			t.Errorf("%s: shows the text nowhere:\n%s", c.path, page)
		}
	}
}

// TestSubmissionPage says what there is to say.
func TestSubmissionPage(t *testing.T) {
	author, path, image := submitted(t)
	page := author.get(path)
	for _, want := range []string{"The image is intact, and signed by nobody", "Not run again here yet", "sha256:", `<h2 id="results">Published results</h2>`, `/files/r.txt?layer=published"`, "amd64", "2026-01-01T00:00:00Z"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	if text := author.get(path + "/files/paper/page.html"); !strings.Contains(text, `<li id="L1">&lt;script&gt;alert(1)&lt;/script&gt;</li>`) {
		t.Errorf("a text: %s", text)
	}
	if res, b := author.fetch(path + "/image"); b != string(image) || !strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment; filename=") {
		t.Errorf("image: %d bytes, %v", len(b), res.Header)
	}
	for _, at := range []string{"/files/bin/sh", "/files/paper/page.html?download"} {
		res, b := author.fetch(path + at)
		h := res.Header
		if len(b) == 0 || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || h.Get("Content-Type") != "application/octet-stream" ||
			h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %q, %v", at, b, h)
		}
	}
	for _, at := range []string{"/files/none", "/files/paper/loop", "/files/r.txt", "/files/?layer=environment", "/files/bin/sh/x"} {
		if res, b := author.fetch(path + at); res.StatusCode != 404 {
			t.Errorf("%s: %d %s", at, res.StatusCode, b)
		}
	}
}

// TestAuthorsSeeTheirOwn: the table of a venue shows an author the own ones.
func TestAuthorsSeeTheirOwn(t *testing.T) {
	admin, _ := start(t)
	ada, bob, reader := newPerson(t, admin.origin), newPerson(t, admin.origin), newPerson(t, admin.origin)
	ada.join(admin.invite("j", "Ada", "author"))
	bob.join(admin.invite("j", "Bob", "author"))
	reader.join(admin.invite("j", "Rea", "reader"))
	path := ada.submit("j", "paper.sif", hostileImage(t))
	for who, want := range map[*person]bool{ada: true, bob: false, reader: true, admin: true} {
		if got := strings.Contains(who.get("/v/j"), path); got != want {
			t.Errorf("lists it: %v, want %v", got, want)
		}
	}
	bob.do("GET", path, nil, 404)
	reader.do("GET", path, nil, 200)
	if strings.Contains(reader.get("/v/j"), "Submit an image") {
		t.Error("a reader is shown the form")
	}
}
