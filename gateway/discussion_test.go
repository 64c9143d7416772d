package gateway

import (
	"net/url"
	"strings"
	"testing"
)

// say writes a comment by the form of the page, which must be about that.
func (p *person) say(at string, want int, form url.Values) string {
	p.Helper()
	return p.post(at+"/discussion", at+"/discussion", form, want)
}

// TestDiscussion: threads are tied to what is there, and names to who may know
// (GTW-11).
func TestDiscussion(t *testing.T) {
	admin, author, at := doubleBlind(t)
	one, two := newPerson(t, admin.origin), newPerson(t, admin.origin)
	one.join(admin.invite("j", "Charles Babbage", "reviewer"))
	two.join(admin.invite("j", "Luigi Menabrea", "reviewer"))
	reader := newPerson(t, admin.origin)
	reader.join(admin.invite("j", "R 5", "reader"))

	for what, form := range map[string]url.Values{
		"no words": {"words": {" "}}, "no such result": {"about": {"result"}, "subject": {"none"}, "words": {"x"}}, "no such step": {"about": {"step"}, "subject": {"none"}, "words": {"x"}},
		"no such file": {"about": {"file"}, "subject": {"/none"}, "words": {"x"}}, "a folder": {"about": {"file"}, "subject": {"/paper"}, "words": {"x"}},
		"no line": {"about": {"file"}, "subject": {"/paper/project.txt"}, "line": {"x"}, "words": {"x"}}, "nothing known": {"about": {"page"}, "subject": {"x"}, "words": {"x"}},
	} {
		if page := author.say(at, 400, form); page == "" {
			t.Error(what)
		}
	}
	reader.do("POST", at+"/discussion", url.Values{}, 403)

	author.say(at, 200, url.Values{"about": {"result"}, "subject": {"lovelace-number"}, "words": {"Is <b>this</b> clear?"}})
	// What the reviewer was shown as a pseudonym is the same thing.
	page := one.get(at + "/discussion")
	if strings.Contains(page, "lovelace") || !strings.Contains(page, "Is &lt;b&gt;this&lt;/b&gt; clear?") || !strings.Contains(page, "<strong>Author</strong>") {
		t.Errorf("a reviewer reads: %s", page)
	}
	subject := ""
	for _, m := range hrefs.FindAllStringSubmatch(page, -1) {
		if u, err := url.Parse(strings.ReplaceAll(m[1], "&amp;", "&")); err == nil && u.Query().Get("about") == "result" {
			subject = u.Query().Get("subject")
		}
	}
	if !strings.Contains(subject, "author~") {
		t.Fatalf("the thread is about %q", subject)
	}
	one.say(at, 200, url.Values{"about": {"result"}, "subject": {subject}, "words": {"Yes, to me."}})
	two.say(at, 200, url.Values{"about": {"file"}, "subject": {"/paper/project.txt"}, "line": {"1"}, "words": {"Odd."}, "internal": {"1"}})
	author.say(at, 200, url.Values{"words": {"To all."}, "internal": {"1"}}) // authors have no such box: it is for all

	if page := author.get(at + "/discussion"); strings.Count(page, `class="thread"`) != 2 || strings.Contains(page, "Odd.") || !strings.Contains(page, "<strong>Reviewer 1</strong>") || !strings.Contains(page, "Result lovelace-number") {
		t.Errorf("the author reads: %s", page)
	}
	if page := one.get(at + "/discussion"); strings.Count(page, `class="thread"`) != 3 || !strings.Contains(page, "Odd.") || !strings.Contains(page, "<strong>Reviewer 2</strong>") || !strings.Contains(page, "#L1") || !strings.Contains(page, "To all.") {
		t.Errorf("a reviewer reads: %s", page)
	}
	if page := admin.get(at + "/discussion"); !strings.Contains(page, "Charles Babbage, reviewer") || !strings.Contains(page, "Luigi Menabrea, reviewer") || !strings.Contains(page, "Augusta Byron, author") {
		t.Errorf("an editor reads: %s", page)
	}
	for who, secrets := range map[*person][]string{
		author: secretsOf("Babbage", "Menabrea", "Luigi"), one: secretsOf("Lovelace", "Byron", "Menabrea", "Luigi"), reader: secretsOf("Lovelace", "Byron", "Babbage", "Menabrea"),
	} {
		for _, where := range who.walk(at + "/discussion").says(secrets) {
			t.Errorf("told at %s", where)
		}
	}

	two.post(at+"/discussion", at+"/discussion/1/remove", url.Values{}, 404)
	author.post(at+"/discussion", at+"/discussion/1/remove", url.Values{}, 200)
	admin.post(at+"/discussion", at+"/discussion/2/remove", url.Values{}, 200)
	if page := author.get(at + "/discussion"); strings.Contains(page, "clear?") || strings.Contains(page, "Yes, to me.") || strings.Count(page, "Removed.") != 2 {
		t.Errorf("after removal: %s", page)
	}
}

// TestDiscussWhatIsShown: reviewers cannot find out by comments what is withheld.
func TestDiscussWhatIsShown(t *testing.T) {
	admin, _, at := doubleBlind(t)
	reviewer := newPerson(t, admin.origin)
	reviewer.join(admin.invite("j", "R 1", "reviewer"))
	reviewer.say(at, 400, url.Values{"about": {"file"}, "subject": {"/paper/letter.pdf"}, "words": {"x"}})
	reviewer.say(at, 200, url.Values{"about": {"file"}, "subject": {"/paper/clean.bin"}, "words": {"x"}})
}
