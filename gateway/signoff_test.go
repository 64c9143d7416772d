package gateway

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/attest"
	"repro/attest/statement"
	"repro/format"
	"repro/gateway/signoff"
	"repro/key"
)

// attach sends the form of the page of reviews with files.
func (p *person) attach(at string, want int, files map[string][]byte) string {
	p.Helper()
	m := formToken.FindStringSubmatch(p.get(at + "/reviews"))
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, b := range files {
		part, err := w.CreateFormFile(name, name)
		if err != nil {
			p.Fatal(err)
		}
		part.Write(b)
	}
	w.Close()
	res, err := p.client.Post(p.origin+at+"/reviews?form="+m[1], w.FormDataContentType(), &body)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want {
		p.Fatalf("%d, want %d: %s, %v", res.StatusCode, want, b, err)
	}
	return string(b)
}

// reviewOf is what k says of an image, as repro attest writes it.
func reviewOf(t *testing.T, image []byte, k *key.Private, words string) []byte {
	t.Helper()
	im, err := format.New(bytes.NewReader(image), int64(len(image)), "paper.sif")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	b, err := attest.Opinion(context.Background(), im, statement.KindReview, statement.Opinion{
		Said: statement.Said{Role: "reviewer", Conflicts: "none", Words: words, Made: now.Format(time.RFC3339)},
	}, attest.ByKey(k, now))
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes
}

func newKey(t *testing.T, name string) (k *key.Private, public []byte) {
	t.Helper()
	k, err := key.New(key.OpenPGP, key.Options{Algorithm: key.Ed25519, Name: name, Email: "charles@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if public, err = k.Public().Encode(); err != nil {
		t.Fatal(err)
	}
	return k, public
}

// TestSignOff follows a submission from a review that a reviewer signed at home
// to the decision and what journals ask for (GTW-10).
func TestSignOff(t *testing.T) {
	admin, s := start(t)
	author, reviewer := newPerson(t, admin.origin), newPerson(t, admin.origin)
	author.join(admin.invite("j", "Ada", "author"))
	reviewer.join(admin.invite("j", "Charles Babbage", "reviewer"))
	image := adasImage(t)
	at := author.submit("j", "paper.sif", image)
	k, public := newKey(t, "Charles Babbage")
	good := reviewOf(t, image, k, "Sound, says the engine.")

	if page := reviewer.get(at + "/reviews"); !strings.Contains(page, "repro attest --kind review") || strings.Contains(page, "Let the venue sign") || strings.Contains(page, "Decide</button>") {
		t.Errorf("a reviewer's page: %s", page)
	}
	if page := reviewer.attach(at, 422, map[string][]byte{"bundle": good}); !strings.Contains(page, "send its public key along") {
		t.Errorf("without a key: %s", page)
	}
	secret, err := k.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	for what, files := range map[string]map[string][]byte{
		"a private key for the bundle": {"bundle": secret}, "a private key for the key": {"bundle": good, "key": secret},
		"another image's": {"bundle": reviewOf(t, hostileImage(t), k, "x"), "key": public}, "nothing": {},
	} {
		if page := reviewer.attach(at, 422, files); strings.Contains(page, "PRIVATE") {
			t.Errorf("%s: %s", what, page)
		}
	}
	reviewer.attach(at, 200, map[string][]byte{"bundle": good, "key": public})
	reviewer.attach(at, 409, map[string][]byte{"bundle": good, "key": public})
	author.do("POST", at+"/reviews", url.Values{}, 403)
	noSecretOnDisk(t, s.Dir(), secret)

	if page := admin.get(at + "/reviews"); !strings.Contains(page, "Sound, says the engine.") || !strings.Contains(page, "does not trust") || !strings.Contains(page, "by Charles Babbage") {
		t.Errorf("an editor's page: %s", page)
	}
	admin.post("/v/j/keys", "/v/j/keys", url.Values{"name": {"C. Babbage"}, "material": {string(secret)}}, 422)
	admin.post("/v/j/keys", "/v/j/keys", url.Values{"name": {"C. Babbage"}, "material": {string(public)}}, 200)
	if page := admin.get(at + "/reviews"); !strings.Contains(page, "by a key that this venue trusts") {
		t.Errorf("after it was trusted: %s", page)
	}

	reviewer.attach(at, 200, map[string][]byte{"bundle": reviewOf(t, image, k, "Once more.")}) // its key is known now

	// Authors read it with the decision, and not by whom.
	if page := author.get(at + "/reviews"); strings.Contains(page, "engine") || !strings.Contains(page, "shown with the decision") {
		t.Errorf("an author's page before: %s", page)
	}
	author.do("POST", at+"/decision", url.Values{}, 403)
	reviewer.do("POST", at+"/decision", url.Values{}, 403)
	admin.post(at+"/reviews", at+"/decision", url.Values{"outcome": {"perhaps"}}, 400)
	admin.post(at+"/reviews", at+"/decision", url.Values{"outcome": {"accepted"}, "words": {"Thank you."}}, 200)
	page := author.get(at + "/reviews")
	if !strings.Contains(page, "Accepted") || !strings.Contains(page, "Thank you.") || !strings.Contains(page, "Sound, says the engine.") {
		t.Errorf("an author's page after: %s", page)
	}
	for _, where := range author.walk(at, at+"/reviews", at+"/reviews/1").says(secretsOf("Babbage", "charles@", string(k.Fingerprint()))) {
		t.Errorf("the author is told who reviewed at %s", where)
	}
	if got := admin.walk(at).says(secretsOf("Babbage")); len(got) == 0 {
		t.Error("this test sees nothing")
	}
	author.do("GET", at+"/reviews/1", nil, 403)
	if got := reviewer.get(at + "/reviews/1"); got != string(good) {
		t.Errorf("the reviewer's own: %q", got)
	}
	admin.do("GET", at+"/reviews/99", nil, 404)
	admin.do("GET", at+"/forms/codecheck.yml", nil, 404) // no run has ended
	admin.do("GET", at+"/forms/none", nil, 404)

	archived(t, admin, at, image, good)
	fingerprint := string(k.Fingerprint())
	admin.post("/v/j/keys", "/v/j/keys/remove", url.Values{"fingerprint": {fingerprint}}, 200)
	admin.post("/v/j/keys", "/v/j/keys/remove", url.Values{"fingerprint": {fingerprint}}, 404)
}

// noSecretOnDisk searches all that a gateway wrote for a key.
func noSecretOnDisk(t *testing.T, dir string, secret []byte) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(name)
		files++
		if bytes.Contains(b, secret[len(secret)/2:len(secret)/2+40]) || bytes.Contains(b, []byte("PRIVATE KEY")) {
			t.Errorf("%s holds the reviewer's secret key", name)
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files, %v", files, err)
	}
}

// archived makes the archive and looks for the image and the review in it.
func archived(t *testing.T, admin *person, at string, image, review []byte) {
	t.Helper()
	b := []byte(admin.post(at+"/reviews", at+"/archive", url.Values{}, 200))
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var hasImage, hasReview bool
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		hasImage = hasImage || bytes.Equal(content, image) && path.Ext(f.Name) == ".sif"
		hasReview = hasReview || bytes.Equal(content, review)
	}
	if !hasImage || !hasReview {
		t.Errorf("of %d files, image %v, review %v", len(z.File), hasImage, hasReview)
	}
}

// TestTrustedSigner: the page says who signed, if the venue trusts the key.
func TestTrustedSigner(t *testing.T) {
	admin, _ := start(t)
	image := adasImage(t)
	at := admin.submit("j", "paper.sif", image)
	if page := admin.get(at); !strings.Contains(page, "Whether its signers are those whom you trust") {
		t.Errorf("nobody trusted: %s", page)
	}
	_, other := newKey(t, "Somebody else")
	admin.post("/v/j/keys", "/v/j/keys", url.Values{"name": {"Else"}, "material": {string(other)}}, 200)
	if page := admin.get(at); !strings.Contains(page, "Whether its signers are those whom you trust") || strings.Contains(page, "whom this venue trusts") {
		t.Errorf("somebody else trusted: %s", page)
	}
	admin.post("/v/j/keys", "/v/j/keys", url.Values{"name": {"Dr <b>L</b>"}, "material": {string(adasKey)}}, 200)
	if page := admin.get(at); !strings.Contains(page, "signed by Dr &lt;b&gt;L&lt;/b&gt;, whom this venue trusts") {
		t.Errorf("the author trusted: %s", page)
	}
}

// TestVenueSigns: the venue's key signs what a reviewer says, and names them.
func TestVenueSigns(t *testing.T) {
	admin, s := start(t)
	image := adasImage(t)
	at := admin.submit("j", "paper.sif", image)
	reviewer := newPerson(t, admin.origin)
	reviewer.join(admin.invite("j", "Charles Babbage", "reviewer"))
	form := url.Values{"kind": {"review"}, "words": {"Sound."}, "conflicts": {"none"}}
	reviewer.post(at+"/reviews", at+"/reviews/by-venue", form, 404)
	if got := run(t, 0, "venue-key", "--data", s.Dir(), "j"); !strings.HasPrefix(got, "-----BEGIN PUBLIC KEY-----") {
		t.Errorf("%q", got)
	}
	run(t, 1, "venue-key", "--data", s.Dir(), "j")
	run(t, 1, "venue-key", "--data", s.Dir(), "none")
	run(t, 2, "venue-key", "--data", s.Dir())
	reviewer.post(at+"/reviews", at+"/reviews/by-venue", form, 200)
	reviewer.post(at+"/reviews", at+"/reviews/by-venue", url.Values{"kind": {"withdrawal"}, "words": {"x"}, "conflicts": {"none"}}, 422)
	all, err := s.Attachments(context.Background(), path.Base(at))
	if err != nil || len(all) != 1 {
		t.Fatalf("%d, %v", len(all), err)
	}
	page := admin.get(at + "/reviews")
	if !strings.Contains(page, "Charles Babbage, reviewer") || !strings.Contains(page, "does not trust") {
		t.Errorf("%s", page)
	}
	own, err := signoff.VenueKey(s.Dir(), "j")
	if err != nil {
		t.Fatal(err)
	}
	public, err := own.Public().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(public, all[0].Material) {
		t.Error("the venue's key is not with what it signed")
	}
	admin.post("/v/j/keys", "/v/j/keys", url.Values{"name": {"The journal"}, "material": {string(public)}}, 200)
	if page := admin.get(at + "/reviews"); !strings.Contains(page, "by a key that this venue trusts") {
		t.Errorf("%s", page)
	}
}
