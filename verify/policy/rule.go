package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"repro/format/manifest"
	"repro/internal/lookalike"
	"repro/report"
)

// What somebody has done with an image.
type What string

// What rules can ask for. SPEC.md, POL-11.
const (
	Signed     What = "signed"     // made a signature over all of it
	Reproduced What = "reproduced" // attested that all results came out; nothing less
	Reviewed   What = "reviewed"   // attested a review
	Endorsed   What = "endorsed"   // attested an endorsement
)

// whats are in the order in which messages list them.
var whats = []string{string(Signed), string(Reproduced), string(Reviewed), string(Endorsed)}

const authorRole = "author"

// Rule says how many different persons must have done something. SPEC.md,
// POL-8 and POL-11.
type Rule struct {
	What    What      // empty: Signed
	Type    string    // in place of What: an attestation with exactly this predicate type
	Role    string    // persons that have this role; or
	Of      []string  // some of these persons; or neither: anybody in the policy
	As      []string  // besides those in Of: persons in one of these roles
	Not     []string  // persons with one of these roles do not count
	Persons int       // at least 1
	Since   time.Time // made then or later; zero: whenever
	Days    int       // made so many days ago at most; 0: whenever
	Looked  bool      // with Reproduced, POL-11a: what the person looked at and found the same counts as come out
}

// Evidence is one thing that a person did.
type Evidence struct {
	Person string // ID
	What   What   // empty for attestations that only their type tells
	Type   string // predicate type; empty for signatures
	At     time.Time

	BySight bool // Reproduced only if what the person looked at counts

	Roles []string // in which the person did it, see [Policy.RolesOf]

	By     *manifest.Author // who, and
	ByRole string           // in which role, by the statement's own words; may be empty
}

// independent reports whether r asks for somebody else's word about a work.
func (r Rule) independent() bool {
	return r.what() != string(Signed) && r.Role != authorRole && len(r.Of) == 0 && len(r.As) == 0
}

// asked reports whether r asks for person, who spoke in roles.
func (r Rule) asked(person string, roles []string) bool {
	if r.Role != "" {
		return slices.Contains(roles, r.Role)
	}
	if len(r.Of)+len(r.As) == 0 {
		return true
	}
	return slices.Contains(r.Of, person) || slices.ContainsFunc(r.As, func(role string) bool { return slices.Contains(roles, role) })
}

// ownWork reports whether e says itself that it is by an author of the work.
// Two ORCID iDs tell more than two names.
func (e Evidence) ownWork(authors []manifest.Author) bool {
	return e.ByRole == authorRole || e.By != nil && slices.ContainsFunc(authors, func(a manifest.Author) bool {
		if theirs, mine := lookalike.ORCID(a.ORCID), lookalike.ORCID(e.By.ORCID); theirs != "" && mine != "" {
			return theirs == mine
		}
		return Person{ID: e.By.Name, Name: e.By.Email}.is(a)
	})
}

// answers reports whether e is what r asks for.
func (r Rule) answers(e Evidence, now time.Time) bool {
	if r.Type != "" && e.Type != r.Type || r.Type == "" && string(e.What) != r.what() {
		return false
	}
	if e.BySight && !r.Looked {
		return false
	}
	return !e.At.Before(r.Since) && (r.Days == 0 || !e.At.Before(now.AddDate(0, 0, -r.Days)))
}

// candidates returns the persons who count for r; authors are those of the
// work.
func (p *Policy) candidates(r Rule, authors []manifest.Author) []Person {
	return slices.DeleteFunc(slices.Clone(p.People), func(person Person) bool {
		return !r.asked(person.ID, person.Roles) ||
			slices.ContainsFunc(r.Not, func(role string) bool { return slices.Contains(person.Roles, role) }) ||
			r.independent() && (slices.Contains(person.Roles, authorRole) || slices.ContainsFunc(authors, person.is))
	})
}

// is reports whether an author of the work seems to be p: by ORCID iD, mail
// address or name, in whatever letters and form, also where a provider knows p so. It may
// err on the side of leaving somebody out who has the same name.
func (p Person) is(a manifest.Author) bool {
	for _, theirs := range []string{a.ORCID, a.Email, a.Name} {
		for _, mine := range p.names() {
			if theirs != "" && mine != "" && lookalike.Skeleton(lookalike.Name(theirs)) == lookalike.Skeleton(lookalike.Name(mine)) {
				return true
			}
		}
	}
	return false
}

// names are all by which p goes.
func (p Person) names() []string {
	names := []string{p.ID, p.Name}
	for _, i := range p.Identities {
		user, _, _ := strings.Cut(i.Subject, "!") // of NAME!DOMAIN
		names = append(names, i.Subject, user)
	}
	return names
}

// Work is what a policy has to know of the image.
type Work struct {
	Authors   []manifest.Author
	Withdrawn string // who of its signers took it back; or ""
}

// Decide says of each rule whether what was done meets it at the time now;
// that the policy has not expired, and that the work was not withdrawn, are
// the first rules. SPEC.md, POL-8, POL-9 and POL-11 to POL-13.
func (p *Policy) Decide(done []Evidence, w Work, now time.Time) []report.RuleStatus {
	var all []report.RuleStatus
	if !p.Expires.IsZero() {
		st := report.RuleStatus{Rule: "the policy is in force", Met: now.Before(p.Expires), Found: "until " + p.Expires.Format(time.RFC3339)}
		if !st.Met {
			st.Found = "it expired on " + p.Expires.Format(time.RFC3339) + ": ask who issued it for the next edition"
		}
		all = append(all, st)
	}
	if w.Withdrawn != "" {
		all = append(all, report.RuleStatus{Rule: "not withdrawn by a signer", Found: "withdrawn by " + w.Withdrawn})
	}
	for _, r := range p.Require {
		all = append(all, p.decide(r, done, w, now))
	}
	return all
}

func (p *Policy) decide(r Rule, done []Evidence, w Work, now time.Time) report.RuleStatus {
	st := report.RuleStatus{Rule: r.String(), Wanted: r.Persons}
	for _, person := range p.candidates(r, w.Authors) {
		if slices.ContainsFunc(done, func(e Evidence) bool {
			return e.Person == person.ID && r.asked(person.ID, e.Roles) && r.answers(e, now) && !(r.independent() && e.ownWork(w.Authors))
		}) {
			st.Persons = append(st.Persons, person.ID)
		}
	}
	st.Met = len(st.Persons) >= r.Persons
	if st.Found = "nobody"; len(st.Persons) > 0 {
		st.Found = strings.Join(st.Persons, ", ")
	}
	return st
}

// String says what r asks for: "signed by 2 of the role reviewer, not author".
func (r Rule) String() string {
	text := fmt.Sprintf("%s by %d ", r.what(), r.Persons)
	switch {
	case r.Role != "":
		text += "of the role " + r.Role
	case len(r.Of)+len(r.As) > 0:
		who := slices.Clone(r.Of)
		for _, role := range r.As {
			who = append(who, "the role "+role)
		}
		text += "of " + strings.Join(who, ", ")
	default:
		text += "of its people"
	}
	if r.Looked {
		text += ", by sight where a result needs eyes"
	}
	if len(r.Not) > 0 {
		text += ", not " + strings.Join(r.Not, " or ")
	}
	if !r.Since.IsZero() {
		text += ", since " + r.Since.Format(time.RFC3339)
	}
	if r.Days > 0 {
		text += fmt.Sprintf(", in the last %d days", r.Days)
	}
	return text
}

func (r Rule) what() string {
	switch {
	case r.Type != "":
		return "attested (" + r.Type + ")"
	case r.What == "":
		return string(Signed)
	}
	return string(r.What)
}

// ParseRule reads a rule as a person types it: WHAT by N ROLES, such as
// "reproduced by 2 reviewers" or "signed by 1 author". Roles are those of the
// policy's people.
func (p *Policy) ParseRule(text string) (Rule, error) {
	words := strings.Fields(text)
	r := Rule{}
	if len(words) != 4 || words[1] != "by" || !slices.Contains(whats, words[0]) {
		return r, fmt.Errorf("%q: want WHAT by N ROLE, such as \"reproduced by 2 reviewers\"; WHAT is %s", text, strings.Join(whats, ", "))
	}
	r.What = What(words[0])
	if _, err := fmt.Sscanf(words[2], "%d", &r.Persons); err != nil || fmt.Sprint(r.Persons) != words[2] || r.Persons < 1 || r.Persons > maxPeople {
		return r, fmt.Errorf("%q: %q: want a number of persons", text, words[2])
	}
	role := words[3]
	for _, name := range []string{role, strings.TrimSuffix(role, "s")} {
		if slices.ContainsFunc(p.People, func(person Person) bool { return slices.Contains(person.Roles, name) }) {
			r.Role = name
			return r, nil
		}
	}
	return r, fmt.Errorf("%q: nobody has the role %q", text, role)
}
