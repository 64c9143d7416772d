package main

import (
	"time"

	"repro/attest/statement"
	"repro/format/manifest"
	"repro/report"
)

// two asks for two reviewers who reproduced it.
const two = `policy: 1
name: J
people:
  - {person: alice, roles: [author], keys: [ALICE]}
  - {person: bob, roles: [reviewer], keys: [BOB]}
  - {person: carol, roles: [reviewer], keys: [CAROL]}
require:
  - {role: author}
  - {what: reproduced, role: reviewer, persons: 2}
`

// one asks for one of the people in the second line.
func one(people, rule string) string {
	return "policy: 1\nname: J\npeople:\n  - {person: editor, roles: [editor], keys: [ALICE]}\n" + people + "require:\n  - {role: editor}\n  - " + rule + "\n"
}

const bobReviews = "  - {person: bob, roles: [reviewer], keys: [BOB]}\n"

func both(b *base) [][]byte {
	return [][]byte{b.signed("bob", b.reproduction()), b.signed("carol", b.reproduction())}
}

func just(who string, make func(*base) []byte) func(*base) [][]byte {
	return func(b *base) [][]byte { return [][]byte{b.signed(who, make(b))} }
}

func reproduced(b *base) []byte { return b.reproduction() }

// run is a statement of a run that is changed.
func run(change func(*statement.Reproduction)) func(*base) []byte {
	return func(b *base) []byte {
		r := ran()
		change(&r)
		return must(statement.Reproduce(b.about, r))
	}
}

// lookalike is a reproduction whose predicate type is changed: a statement of
// no kind that is known.
func lookalike(uri string) func(*base) [][]byte {
	return just("bob", func(b *base) []byte {
		return edited(b.reproduction(), "https://repro.dev/attestation/reproduction/v1", uri)
	})
}

// looked is a run of which one result needs eyes; what the reviewer saw.
func looked(what statement.Look) func(*statement.Reproduction) {
	return func(r *statement.Reproduction) {
		r.Results[0].Verdict, r.Results[0].Looked = report.NeedsEyes, what
	}
}

var wantsSight = one(bobReviews, "{what: reproduced, role: reviewer, looked: true}")

var wantsOne = one(bobReviews, "{what: reproduced, role: reviewer}")

func opinion(b *base, k statement.Kind, words string, of manifest.Digest) []byte {
	return must(statement.Opine(b.about, k, statement.Opinion{Said: said(words), Of: of}))
}

// counted are questions about persons.
var counted = []vector{
	p("two-reviewers", accepted, "nothing: both reviewers reproduced it", policies(two, both), valid, valid),
	p("one-reviewer", unsigned, "one of two reviewers", policies(two, just("bob", reproduced)), valid),
	p("one-reviewer-twice", unsigned, "one reviewer, who attests it twice", policies(two, func(b *base) [][]byte {
		return [][]byte{b.signed("bob", b.reproduction()), b.signed("bob", run(func(r *statement.Reproduction) { r.Words = "again" })(b))}
	}), valid, valid),
	p("one-reviewer-with-two-keys", unsigned, "one reviewer, with each of his keys", policies(`policy: 1
name: J
people:
  - {person: alice, roles: [author], keys: [ALICE]}
  - {person: bob, roles: [reviewer], keys: [BOB, CAROL]}
  - {person: dave, roles: [reviewer], keys: [MALLORY]}
require:
  - {role: author}
  - {what: reproduced, role: reviewer, persons: 2}
`, both), valid, valid),
	p("author-as-reviewer", unsigned, "the author, who is a reviewer of other papers", policies(`policy: 1
name: J
people:
  - {person: alice, roles: [author, reviewer], keys: [ALICE]}
  - {person: bob, roles: [reviewer], keys: [BOB]}
  - {person: dave, roles: [reviewer], keys: [MALLORY]}
require:
  - {role: author}
  - {what: reproduced, role: reviewer, persons: 2}
`, func(b *base) [][]byte {
		return [][]byte{b.signed("bob", b.reproduction()), b.signed("alice", b.reproduction())}
	}), valid, valid),
	p("author-by-another-key", unsigned, "an author of the paper, by name, with a key that is only a reviewer's", policies(
		one("  - {person: a.b, name: ALICE_, roles: [reviewer], keys: [MALLORY]}\n", "{what: reproduced, role: reviewer}"), just("mallory", reproduced)), valid),
	p("author-by-orcid", unsigned, "an author of the paper, by ORCID iD, as a reviewer", policies(
		one("  - {person: 0000-0002-1825-0097, roles: [reviewer], keys: [MALLORY]}\n", "{what: reproduced, role: reviewer}"), just("mallory", reproduced)), valid),
	p("author-in-other-letters", unsigned, "an author of the paper, whose name has a Cyrillic letter here", policies(
		one("  - {person: m, name: \u0410lice, roles: [reviewer], keys: [MALLORY]}\n", "{what: reproduced, role: reviewer}"), just("mallory", reproduced)), valid),
	p("anybody-but-the-author", unsigned, "whoever is in the policy, and only the author attests", policies(`policy: 1
name: J
people:
  - {person: alice, roles: [author], keys: [ALICE]}
  - {person: bob, roles: [reader], keys: [BOB]}
require:
  - {role: author}
  - {what: reproduced}
`, just("alice", reproduced)), valid),
	p("stranger", unsigned, "a reproduction by a key that the policy has not", policies(wantsOne, just("mallory", reproduced)), unknown),
	p("looked-same", unsigned, "a result needs eyes, and the reviewer found it the same: the policy does not ask for sight", policies(wantsOne, just("bob", run(looked(statement.LookedSame)))), valid),
	p("looked-same-is-asked", accepted, "nothing: a result needs eyes, the reviewer found it the same, and the policy takes that", policies(wantsSight, just("bob", run(looked(statement.LookedSame)))), valid),
	p("looked-different", unsigned, "a result needs eyes, and the reviewer found it different", policies(wantsSight, just("bob", run(looked(statement.LookedDifferent)))), valid),
	p("not-looked", unsigned, "a result needs eyes, and nobody looked", policies(wantsSight, just("bob", run(looked("")))), valid),
	p("looked-and-left-out", unsigned, "the reviewer looked at one result and left the other out", policies(wantsSight, just("bob", run(func(r *statement.Reproduction) {
		looked(statement.LookedSame)(r)
		r.Results, r.NotRun = r.Results[:1], []string{"mean"}
	}))), valid),
	p("looked-and-quick", unsigned, "the reviewer looked, at what the smaller experiment left", policies(wantsSight, just("bob", run(func(r *statement.Reproduction) {
		looked(statement.LookedSame)(r)
		r.Quick = true
	}))), valid),
	p("looked-later-not", unsigned, "the reviewer looked, and says later that a result needs eyes", policies(wantsSight, func(b *base) [][]byte {
		return [][]byte{b.signed("bob", run(looked(statement.LookedSame))(b)), b.signed("bob", run(func(r *statement.Reproduction) {
			looked("")(r)
			r.Made = made.AddDate(0, 1, 0).Format(time.RFC3339)
		})(b))}
	}), valid, valid),
	p("looked-at-what-differs", unsigned, "the reviewer found the same what differs", policies(wantsSight, just("bob", func(b *base) []byte {
		s := run(func(r *statement.Reproduction) { r.Results[0].Verdict = report.Differs })(b)
		return edited(s, `"name":"sum"`, `"looked":"same","name":"sum"`)
	})), broken),
	p("looked-otherwise", unsigned, "the reviewer saw something else than the words that there are", policies(wantsSight, just("bob", func(b *base) []byte {
		return edited(run(looked(statement.LookedSame))(b), `"looked":"same"`, `"looked":"Same"`)
	})), broken),
	p("failed", unsigned, "the reviewer says that it failed", policies(wantsOne, just("bob", run(func(r *statement.Reproduction) { r.Results[0].Verdict = report.Differs }))), valid),
	p("partial", unsigned, "the reviewer left something out", policies(wantsOne, just("bob", run(func(r *statement.Reproduction) {
		r.Results, r.NotRun = r.Results[:1], []string{"mean"}
	}))), valid),
	p("quick", unsigned, "the reviewer ran the smaller experiment", policies(wantsOne, just("bob", run(func(r *statement.Reproduction) { r.Quick = true }))), valid),
	p("failed-later", unsigned, "the reviewer says later that it failed", policies(wantsOne, func(b *base) [][]byte {
		return [][]byte{
			b.signed("bob", run(func(r *statement.Reproduction) {
				r.Results[0].Verdict, r.Made = report.Differs, made.AddDate(0, 1, 0).Format(time.RFC3339)
			})(b)),
			b.signed("bob", b.reproduction()),
		}
	}), valid, valid),
	p("failed-at-once", unsigned, "the reviewer says both at one time", policies(wantsOne, func(b *base) [][]byte {
		return [][]byte{b.signed("bob", b.reproduction()), b.signed("bob", run(func(r *statement.Reproduction) { r.Results[0].Verdict = report.Differs })(b))}
	}), valid, valid),
	p("review-is-no-reproduction", unsigned, "a review only", policies(wantsOne, just("bob", func(b *base) []byte { return b.review() })), valid),
	p("endorsement-is-no-review", unsigned, "an endorsement only", policies(one(bobReviews, "{what: reviewed, role: reviewer}"),
		just("bob", func(b *base) []byte { return opinion(b, statement.KindEndorsement, "Good.", "") })), valid),
	p("svr-is-no-reproduction", unsigned, "a simple verification result only", policies(wantsOne, just("bob", func(b *base) []byte { return must(statement.Passed(b.about, ran())) })), valid),
	p("test-result-is-no-reproduction", unsigned, "a test-result only", policies(wantsOne, just("bob", func(b *base) []byte { return must(statement.Test(b.about, ran())) })), valid),
	p("test-result-failed", unsigned, "the policy asks for the type of test-results, and this one failed", policies(
		one(bobReviews, "{type: 'https://in-toto.io/attestation/test-result/v0.1', role: reviewer}"),
		just("bob", func(b *base) []byte { return edited(must(statement.Test(b.about, ran())), "PASSED", "FAILED") })), valid),
	p("test-result-passed", accepted, "nothing: the policy asks for the type of test-results", policies(
		one(bobReviews, "{type: 'https://in-toto.io/attestation/test-result/v0.1', role: reviewer}"),
		just("bob", func(b *base) []byte { return must(statement.Test(b.about, ran())) })), valid),
	p("type-slash", unsigned, "a slash behind the predicate type", policies(wantsOne, lookalike("https://repro.dev/attestation/reproduction/v1/")), valid),
	p("type-http", unsigned, "http for https", policies(wantsOne, lookalike("http://repro.dev/attestation/reproduction/v1")), valid),
	p("type-capital", unsigned, "a capital in the predicate type", policies(wantsOne, lookalike("https://repro.dev/attestation/Reproduction/v1")), valid),
	p("type-cyrillic", unsigned, "a Cyrillic letter in the predicate type", policies(wantsOne, lookalike("https://r\u0435pro.dev/attestation/reproduction/v1")), valid),
	p("type-version", unsigned, "version 1.0 of the predicate type", policies(wantsOne, lookalike("https://repro.dev/attestation/reproduction/v1.0")), valid),
	p("type-escaped", unsigned, "a percent sign in the predicate type", policies(wantsOne, lookalike("https://repro.dev/attestation/reproduction%2Fv1")), valid),
	p("type-query", unsigned, "a query behind the predicate type", policies(wantsOne, lookalike("https://repro.dev/attestation/reproduction/v1?")), valid),
	p("type-longer", unsigned, "a predicate type that begins with the one that is asked", policies(
		one(bobReviews, "{type: 'https://example.org/a', role: reviewer}"), lookalike("https://example.org/ab")), valid),
	p("withdrawn", unsigned, "the reviewer took it back", policies(wantsOne, func(b *base) [][]byte {
		return [][]byte{b.signed("bob", b.reproduction()), b.signed("bob", opinion(b, statement.KindWithdrawal, "Wrong file.", manifest.DigestOf(b.reproduction())))}
	}), withdrawn, valid),
	p("withdrawn-by-another", accepted, "another reviewer cannot take it back", policies(two, func(b *base) [][]byte {
		s := run(func(r *statement.Reproduction) { r.Words = "mine" })(b)
		return [][]byte{b.signed("bob", s), b.signed("carol", b.reproduction()), b.signed("carol", opinion(b, statement.KindWithdrawal, "No.", manifest.DigestOf(s)))}
	}), valid, valid, valid),
	p("withdrawn-by-a-stranger", accepted, "nor can a stranger", policies(two, func(b *base) [][]byte {
		return append(both(b), b.signed("mallory", opinion(b, statement.KindWithdrawal, "No.", manifest.DigestOf(b.reproduction()))))
	}), valid, valid, unknown),
	p("image-withdrawn", unsigned, "the author took the image back", policies(two, func(b *base) [][]byte {
		return append(both(b), b.signed("alice", opinion(b, statement.KindWithdrawal, "Table 2 is wrong.", "")))
	}), valid, valid, valid),
	p("former-edition", unsigned, "a reproduction of a former edition", policies(wantsOne, just("bob", func(b *base) []byte { return must(statement.Reproduce(b.other, ran())) })), elsewhere),
	p("key-not-trusted-any-more", unsigned, "by a PEM key whose time is over: its signatures state none", policies(
		one("  - {person: bob, roles: [reviewer], keys: [{from: 2020-01-01, until: 2022-01-01, BOB_}]}\n", "{what: reproduced, role: reviewer}"), just("bob", reproduced)), expired),
	p("key-has-expired-since", unsigned, "by a key that has expired since", policies(
		one("  - {person: late, roles: [reviewer], keys: [LATER]}\n", "{what: reproduced, role: reviewer}"), just("later", reproduced)), unanchored),
	p("since", unsigned, "made before the day that the policy asks", policies(one(bobReviews, "{what: reproduced, role: reviewer, since: 2021-01-02}"), just("bob", reproduced)), valid),
	p("since-that-day", accepted, "made on the day that the policy asks", policies(one(bobReviews, "{what: reproduced, role: reviewer, since: 2021-01-01}"), just("bob", reproduced)), valid),
	p("days", unsigned, "made too long ago", policies(one(bobReviews, "{what: reproduced, role: reviewer, days: 365}"), just("bob", reproduced)), valid),
	p("time-required", unsigned, "no authority saw when it was made, and the policy asks for that", policies("time: {required: true}\n"+wantsOne, just("bob", reproduced)), unanchored),
	p("identity-not-used", unsigned, "signed by the key of nobody whom the policy knows by a provider", policies(one(known("bob", "bob@example.org", ""), "{what: reproduced, role: reviewer}"), just("bob", reproduced)), unknown),
	p("identity-beside-key", accepted, "nothing: by the key of a person who has an identity too", policies(one("  - {person: bob, roles: [reviewer], keys: [BOB], identities: ["+who("bob@example.org", "")+"]}\n", "{what: reproduced, role: reviewer}"), just("bob", reproduced)), valid),
	p("policy-expired", unsigned, "the policy has expired", policies("expires: 2024-12-31\n"+two, both), valid, valid),
}

// files are policies that are refused as a whole.
var files = []vector{
	p("people-cyrillic", refused, "two persons who differ in a Cyrillic letter", policies(one("  - {person: coco, roles: [reviewer], keys: [BOB]}\n  - {person: \u0441\u043e\u0441\u043e, roles: [reviewer], keys: [CAROL]}\n", "{what: reproduced, role: reviewer, persons: 2}"), both)),
	p("people-greek", refused, "two persons who differ in a Greek letter", policies(one("  - {person: \u03bf\u03ba, roles: [reviewer], keys: [BOB]}\n  - {person: ok, roles: [reviewer], keys: [CAROL]}\n", "{what: reproduced, role: reviewer, persons: 2}"), both)),
	p("person-of-two-scripts", refused, "a person with letters of two scripts", policies(one("  - {person: b\u043eb, roles: [reviewer], keys: [BOB]}\n", "{what: reproduced, role: reviewer}"), both)),
	p("person-decomposed", refused, "a person in Unicode's decomposed form", policies(one("  - {person: rene\u0301, roles: [reviewer], keys: [BOB]}\n", "{what: reproduced, role: reviewer}"), both)),
	p("people-case", refused, "two persons who differ in case", policies(one(bobReviews+"  - {person: Bob, roles: [reviewer], keys: [CAROL]}\n", "{what: reproduced, role: reviewer, persons: 2}"), both)),
	p("people-digits", refused, "two persons who differ in the letter l and the digit 1", policies(one("  - {person: rev.l, roles: [reviewer], keys: [BOB]}\n  - {person: rev.1, roles: [reviewer], keys: [CAROL]}\n", "{what: reproduced, role: reviewer, persons: 2}"), both)),
	p("roles-cyrillic", refused, "two roles that look alike", policies(one("  - {person: bob, roles: [ox, \u043e\u0445], keys: [BOB]}\n", "{what: reproduced, role: ox}"), both)),
	p("one-key-two-people", refused, "one key on two persons' lines", policies(one(bobReviews+"  - {person: carol, roles: [reviewer], keys: [BOB]}\n", "{what: reproduced, role: reviewer, persons: 2}"), both)),
	p("asks-for-the-type-of-reproductions", refused, "asks for reproductions by type, which may say that all failed", policies(one(bobReviews, "{type: 'https://repro.dev/attestation/reproduction/v1', role: reviewer}"), both)),
	p("asks-by-what-and-type", refused, "a rule with what and type", policies(one(bobReviews, "{what: reproduced, type: 'https://example.org/x', role: reviewer}"), both)),
	p("asks-for-sight-of-reviews", refused, "a rule with looked, for reviews", policies(one(bobReviews, "{what: reviewed, role: reviewer, looked: true}"), both)),
	p("asks-for-dated-signatures", refused, "a rule with days, for signatures", policies(one(bobReviews, "{role: reviewer, days: 3}"), both)),
	p("asks-for-more-than-there-are", refused, "two reviewers of whom one is an author", policies(one("  - {person: bob, roles: [reviewer, author], keys: [BOB]}\n  - {person: carol, roles: [reviewer], keys: [CAROL]}\n", "{what: reproduced, role: reviewer, persons: 2}"), both)),
	p("identity-of-two", refused, "one identity on two persons' lines", policies(one(known("bob", "bob@example.org", "")+known("carol", "bob@example.org", ""), reproducedByTwo), both)),
	p("identity-twice", refused, "one identity twice on a person's lines", policies(one("  - {person: bob, roles: [reviewer], identities: ["+who("bob@example.org", "")+", "+who("bob@example.org", "")+"]}\n", "{what: reproduced, role: reviewer}"), both)),
	p("identity-cyrillic", refused, "two persons whose identities differ in Cyrillic letters", policies(one(known("bob", "coco@x", "")+known("carol", "\u0441\u043e\u0441\u043e@\u0445", ""), reproducedByTwo), both)),
	p("identity-case", refused, "two persons whose identities differ in case", policies(one(known("bob", "rev@example.org", "")+known("carol", "Rev@example.org", ""), reproducedByTwo), both)),
	p("identity-digits", refused, "two persons whose identities differ in the letter l and the digit 1", policies(one(known("bob", "rev.l@example.org", "")+known("carol", "rev.1@example.org", ""), reproducedByTwo), both)),
	p("identity-of-two-providers", refused, "one name at two providers, as two persons", policies(one(known("bob", "bob@example.org", "")+known("carol", "bob@example.org", "https://accounts.example.com"), reproducedByTwo), both)),
	p("identity-user-name", refused, "two persons, one by a mail address and one by the same as NAME!DOMAIN", policies(one(known("bob", "bob@example.org", "")+known("carol", "bob!example.org", ""), reproducedByTwo), both)),
	p("identity-dot", refused, "two persons whose identities differ in a dot behind", policies(one(known("bob", "bob@example.org", "")+known("carol", "bob@example.org.", ""), reproducedByTwo), both)),
	p("identity-orcid", refused, "two persons with one ORCID iD, one as an address", policies(one(known("bob", "0000-0002-1825-0097", "")+known("carol", "https://orcid.org/0000-0002-1825-0097", "https://orcid.org"), reproducedByTwo), both)),
	p("identity-variation", refused, "an identity with a mark of which nothing is seen", policies(one(known("bob", "bob\ufe0f@example.org", ""), "{what: reproduced, role: reviewer}"), both)),
	p("person-variation", refused, "a person with a mark of which nothing is seen", policies(one("  - {person: \"bob\ufe0f\", roles: [reviewer], keys: [BOB]}\n", "{what: reproduced, role: reviewer}"), both)),
	p("identity-is-a-person", refused, "an identity with the name of another person", policies(one("  - {person: bob@example.org, roles: [reviewer], keys: [BOB]}\n"+known("carol", "bob@example.org", ""), reproducedByTwo), both)),
	p("identity-like-a-person", refused, "an identity that looks like another person", policies(one("  - {person: bob@example.org, roles: [reviewer], keys: [BOB]}\n"+known("carol", "B0b@example.org", ""), reproducedByTwo), both)),
	p("identity-of-two-scripts", refused, "an identity with letters of two scripts", policies(one(known("bob", "b\u043eb@example.org", ""), "{what: reproduced, role: reviewer}"), both)),
	p("identity-decomposed", refused, "an identity in Unicode's decomposed form", policies(one(known("bob", "rene\u0301@example.org", ""), "{what: reproduced, role: reviewer}"), both)),
	p("identity-hidden", refused, "an identity with a character that is not shown", policies(one(known("bob", "bo\\u200bb@example.org", ""), "{what: reproduced, role: reviewer}"), both)),
	p("identity-blank", refused, "an identity with a blank", policies(one(known("bob", "bob @example.org", ""), "{what: reproduced, role: reviewer}"), both)),
	p("identity-no-issuer", refused, "an identity of no provider", policies(one("  - {person: bob, roles: [reviewer], identities: [{subject: bob@example.org}]}\n", "{what: reproduced, role: reviewer}"), both)),
	p("identity-no-subject", refused, "all identities of a provider", policies(one("  - {person: bob, roles: [reviewer], identities: [{issuer: 'https://accounts.example.org'}]}\n", "{what: reproduced, role: reviewer}"), both)),
	p("identity-issuer-word", refused, "a provider that is no address", policies(one(known("bob", "bob@example.org", "accounts"), "{what: reproduced, role: reviewer}"), both)),
	p("identity-window", refused, "an identity whose time ends before it begins", policies(one("  - {person: bob, roles: [reviewer], identities: [{issuer: 'https://accounts.example.org', subject: bob@example.org, from: 2022-01-01, until: 2021-01-01}]}\n", "{what: reproduced, role: reviewer}"), both)),
	p("person-of-nothing", refused, "a person without keys and identities", policies(one("  - {person: bob, roles: [reviewer]}\n", "{what: reproduced, role: reviewer}"), both)),
	p("root-is-none", refused, "a trusted root that is none", policies("trusted-root: '{}'\n"+wantsOne, both)),
	p("time-of-too-many", refused, "more authorities must agree than are named", policies("time: {authorities: 2}\nauthorities:\n  - {name: T, certificates: nonsense}\n"+wantsOne, both)),
	p("time-of-none", refused, "no authority must agree", policies("time: {authorities: 0}\n"+wantsOne, both)),
	p("time-required-and-not", refused, "what nobody dates is accepted and refused", policies("time: {required: true}\nexpired-keys: accept\n"+wantsOne, both)),
}

const reproducedByTwo = "{what: reproduced, role: reviewer, persons: 2}"

// known is a reviewer by an identity.
func known(person, subject, issuer string) string {
	return "  - {person: " + person + ", roles: [reviewer], identities: [" + who(subject, issuer) + "]}\n"
}

func who(subject, issuer string) string {
	if issuer == "" {
		issuer = "https://accounts.example.org"
	}
	return `{issuer: "` + issuer + `", subject: "` + subject + `"}`
}
