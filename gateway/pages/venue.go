package pages

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"repro/gateway/access"
	"repro/gateway/store"
)

// maxListed is how many submissions one page lists.
const maxListed = 50

// venuePage is a page of the submissions to a venue.
type venuePage struct {
	Rows   []venueRow
	Query  string
	State  string
	States []stateChoice
	Own    []store.Submission // of which the visitor could send a new version
	Total  int                // that match
	From   int                // of the first that is shown, from 1
	Before string             // address of the page before; empty: this is the first
	After  string
	Sender bool
}

// venueRow is a submission, and how far it has come.
type venueRow struct {
	store.Submission
	Tone, State string
}

type stateChoice struct{ Value, Words string }

// stateChoices are the states of submissions that can be looked for.
var stateChoices = []stateChoice{
	{"", "any"}, {"none", "not run again"}, {"waiting", "waiting"}, {"running", "running"},
	{store.OutcomeReproduced, "reproduced"}, {store.OutcomePart, "a part reproduced"}, {store.OutcomeDiffers, "differs"}, {store.OutcomeStep, "a step failed"},
}

func (p *Pages) venue(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	q := r.URL.Query()
	page := venuePage{Query: q.Get("q"), State: q.Get("state"), States: stateChoices, Sender: v.Role != store.Reviewer && v.Role != store.Reader}
	first, err := strconv.Atoi(q.Get("from"))
	if err != nil || first < 1 {
		first = 1
	}
	ask := store.SubmissionQuery{Venue: v.Venue.ID, Title: page.Query, State: page.State, Skip: first - 1, Most: maxListed}
	if v.OwnOnly {
		ask.Person = v.Person.ID
	}
	list, total, err := p.find(r, v, ask)
	if err != nil {
		return err
	}
	page.Total, page.From = total, first
	ids := make([]string, len(list))
	for i, s := range list {
		ids[i] = s.ID
	}
	latest, err := p.store.LatestRuns(r.Context(), ids)
	if err != nil {
		return err
	}
	for _, s := range list {
		run, ok := latest[s.ID]
		tone, words := stateWords(run, ok)
		if v.HidesAuthors() {
			m, err := p.guard.MaskOf(r.Context(), v, s.ID)
			if err != nil {
				return err
			}
			words = m.Text(words)
		}
		page.Rows = append(page.Rows, venueRow{s, tone, words})
	}
	if page.Sender {
		if page.Own, _, err = p.store.FindSubmissions(r.Context(), store.SubmissionQuery{Venue: v.Venue.ID, Person: v.Person.ID, Most: maxListed}); err != nil {
			return err
		}
	}
	at := func(from int) string {
		return (&url.URL{Path: "/v/" + v.Venue.ID, RawQuery: url.Values{"q": {page.Query}, "state": {page.State}, "from": {strconv.Itoa(from)}}.Encode()}).String()
	}
	if first > 1 {
		page.Before = at(max(1, first-maxListed))
	}
	if first-1+len(list) < total {
		page.After = at(first + maxListed)
	}
	return show(w, http.StatusOK, "venue", frame{v.Venue.Name, v, page})
}

// maxBlindSearch is among how many submissions titles are looked for without
// names.
const maxBlindSearch = 2000

// find returns submissions, with the titles that the visitor may know. A search
// is in these: else whoever looks for a name would learn whose work it is.
func (p *Pages) find(r *http.Request, v access.Visit, ask store.SubmissionQuery) (list []store.Submission, total int, err error) {
	all := ask
	search := strings.ToLower(ask.Title)
	if v.HidesAuthors() && search != "" {
		all.Title, all.Skip, all.Most = "", 0, maxBlindSearch
	}
	if list, total, err = p.store.FindSubmissions(r.Context(), all); err != nil || !v.HidesAuthors() {
		return list, total, err
	}
	for i := range list { // each has names of its own
		m, err := p.guard.MaskOf(r.Context(), v, list[i].ID)
		if err != nil {
			return nil, 0, err
		}
		list[i].Title = m.Text(list[i].Title)
	}
	if search != "" {
		list = slices.DeleteFunc(list, func(s store.Submission) bool { return !strings.Contains(strings.ToLower(s.Title), search) })
		total = len(list)
		list = list[min(ask.Skip, total):min(ask.Skip+ask.Most, total)]
	}
	return list, total, nil
}

// stateWords says how far a submission has come by the run that says so.
func stateWords(r store.Run, ok bool) (tone, words string) {
	switch {
	case !ok:
		return "", "intact, not run again"
	case r.State == store.RunDone:
		v := verdictOf(&r)
		if r.Step != "" || r.Kind == store.RunQuick {
			v.Words += " (of a part)"
		}
		return v.Tone, v.Words
	case r.State == store.RunFailed:
		return "warn", "could not be run"
	case r.State == store.RunCancelled:
		return "", "run was cancelled"
	}
	return "", "run is " + string(r.State)
}

// To is the number of the last submission that is shown.
func (p venuePage) To() int { return p.From - 1 + len(p.Rows) }
