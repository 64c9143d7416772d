package pages

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"repro/gateway/access"
	"repro/gateway/store"
)

func (p *Pages) discussionHandlers() map[string]access.Handler {
	return map[string]access.Handler{
		"GET /v/{venue}/submissions/{submission}/discussion":                   p.discussion,
		"POST /v/{venue}/submissions/{submission}/discussion":                  p.comment,
		"POST /v/{venue}/submissions/{submission}/discussion/{comment}/remove": p.removeComment,
	}
}

// remark is a comment as a visitor sees it.
type remark struct {
	store.Comment
	Who  string // a name, or a role and a number where names are hidden
	Mine bool
}

// thread is what was said about one thing.
type thread struct {
	topic
	Remarks []remark
}

// topic is what is talked about.
type topic struct {
	About   store.About
	Subject string
	Line    int
}

// publishedLayer stands before the path of a published file in the subject of a
// comment.
const publishedLayer = "published:"

// Title is what it is in words.
func (t topic) Title() string {
	file, published := strings.CutPrefix(t.Subject, publishedLayer)
	if published {
		file = "published " + file
	}
	switch {
	case t.About == store.AboutAll:
		return "The submission"
	case t.About != store.AboutFile:
		return sentence(string(t.About)) + " " + t.Subject
	case t.Line > 0:
		return fmt.Sprintf("Line %d of %s", t.Line, file)
	}
	return sentence(file)
}

// Address is where the thing is shown, from the page of the submission.
func (t topic) Address(sub string) string {
	switch t.About {
	case store.AboutResult:
		return sub + "#results"
	case store.AboutStep:
		return sub + "#steps"
	case store.AboutAll:
		return sub
	}
	at, layer := t.Subject, ""
	if file, ok := strings.CutPrefix(at, publishedLayer); ok {
		at, layer = file, "published"
	}
	if t.Line > 0 {
		return fmt.Sprintf("%s#L%d", fileAddress(sub, at, layer), t.Line)
	}
	return fileAddress(sub, at, layer)
}

// discussAddress is the page on which something is talked about.
func discussAddress(sub string, about store.About, subject string) string {
	u := url.URL{Path: sub + "/discussion", RawQuery: url.Values{"about": {string(about)}, "subject": {subject}}.Encode(), Fragment: "new"}
	return u.String()
}

// discussionPage is what the page of a discussion shows.
type discussionPage struct {
	Path     string
	Threads  []thread
	New      topic // of the form
	May      bool  // write
	Internal bool  // the visitor is one for whom internal comments are
}

func (p *Pages) discussion(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	sub, err := p.submissionOf(r)
	if err != nil {
		return err
	}
	page := discussionPage{Path: pathOf(sub), May: v.Role != store.Reader, Internal: isInternal(v.Role)}
	q := r.URL.Query()
	page.New = topic{About: store.About(q.Get("about")), Subject: q.Get("subject")}
	page.New.Line, _ = strconv.Atoi(q.Get("line"))
	all, err := p.store.Comments(r.Context(), sub.ID, page.Internal)
	if err != nil {
		return err
	}
	page.Threads = threads(all, v)
	return show(w, http.StatusOK, "discussion", frame{"Discussion", v, page})
}

func isInternal(role store.Role) bool {
	return role == store.Administrator || role == store.Editor || role == store.Reviewer
}

// threads sorts comments by what they are about, in the order in which that came
// up, and says who wrote them, as far as the visitor may know.
func threads(all []store.Comment, v access.Visit) (list []thread) {
	number := map[int64]int{} // of reviewers, in the order in which they spoke
	for _, c := range all {
		if c.Role == store.Reviewer && number[c.Person] == 0 {
			number[c.Person] = len(number) + 1
		}
		t := topic{c.About, c.Subject, c.Line}
		i := slices.IndexFunc(list, func(x thread) bool { return x.topic == t })
		if i < 0 {
			i, list = len(list), append(list, thread{topic: t})
		}
		who := c.Name + ", " + string(c.Role)
		switch {
		case c.Role == store.Reviewer && v.HidesReviewers():
			who = fmt.Sprintf("Reviewer %d", number[c.Person])
		case c.Role == store.Author && v.HidesAuthors():
			who = "Author"
		}
		list[i].Remarks = append(list[i].Remarks, remark{c, who, c.Person == v.Person.ID})
	}
	return list
}

func (p *Pages) comment(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	sub, err := p.submissionOf(r)
	if err != nil {
		return err
	}
	c := store.Comment{
		Person: v.Person.ID, Role: v.Role, About: store.About(r.PostForm.Get("about")), Subject: v.Mask.Original(r.PostForm.Get("subject")),
		Words: r.PostForm.Get("words"), Internal: r.PostForm.Get("internal") != "" && isInternal(v.Role),
	}
	if line := r.PostForm.Get("line"); line != "" {
		if c.Line, err = strconv.Atoi(line); err != nil {
			return access.Refuse(http.StatusBadRequest, "a line is a number")
		}
	}
	if err := p.isThere(sub, c, v); err != nil {
		return err
	}
	id, err := p.store.AddComment(r.Context(), sub, c)
	if err := refused(err); err != nil {
		return err
	}
	http.Redirect(w, r, fmt.Sprintf("%s/discussion#c%d", pathOf(sub), id), http.StatusSeeOther)
	return nil
}

// isThere refuses a comment about what the image does not have, or what is not
// shown to whoever writes.
func (p *Pages) isThere(sub store.Submission, c store.Comment, v access.Visit) error {
	f, err := p.factsOf(sub)
	if err != nil {
		return err
	}
	there := true
	switch c.About {
	case store.AboutResult:
		there = slices.ContainsFunc(resultRows("", f.Manifest, nil, nil), func(row resultRow) bool { return row.Result == c.Subject })
		for _, claim := range f.Manifest.Claims {
			there = there || claim.Name == c.Subject
		}
	case store.AboutStep:
		there = false
		for _, s := range f.Manifest.Steps {
			there = there || s.Name == c.Subject
		}
	case store.AboutFile:
		there, err = p.hasFile(sub, c.Subject)
		there = there && !v.Mask.Withholds(strings.TrimPrefix(c.Subject, publishedLayer))
	}
	if err == nil && !there {
		err = access.Refuse(http.StatusBadRequest, "there is nothing of that name in this image")
	}
	return err
}

func (p *Pages) hasFile(sub store.Submission, subject string) (bool, error) {
	file, image, err := p.images.Open(sub)
	if err != nil {
		return false, err
	}
	defer file.Close()
	at, published := strings.CutPrefix(subject, publishedLayer)
	layer := ""
	if published {
		layer = "published"
	}
	files, err := layerOf(image, layer)
	if err != nil {
		return false, err
	}
	seen, err := files.Resolve(at)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && seen.Node.Mode.IsRegular(), err
}

func (p *Pages) removeComment(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	sub, err := p.submissionOf(r)
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(r.PathValue("comment"), 10, 64)
	if err != nil {
		return store.ErrNotFound
	}
	if err := p.store.RemoveComment(r.Context(), v.Person.ID, sub, id, len(access.MayGive(v.Role)) > 0); err != nil {
		return err
	}
	http.Redirect(w, r, pathOf(sub)+"/discussion", http.StatusSeeOther)
	return nil
}
