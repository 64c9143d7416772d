package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"repro/attest/statement"
	"repro/format"
	"repro/report"
)

// rewritten is an image with other signatures and attestations.
func rewritten(image []byte, objects []format.NewObject) []byte {
	dir := must2(os.MkdirTemp("", "vectors"))
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "paper.sif")
	if err := os.WriteFile(name, image, 0o666); err != nil {
		panic(err)
	}
	if err := format.Update(context.Background(), name, func(*format.Image) ([]format.NewObject, error) { return objects, nil }); err != nil {
		panic(err)
	}
	return must(os.ReadFile(name))
}

// stated is a reproduction, changed as a text and signed by Bob.
func stated(old, replacement string) maker {
	return beside(func(b *base) []byte { return b.signed("bob", edited(b.reproduction(), old, replacement)) })
}

// opined is a review, changed as a text and signed by Bob.
func opined(old, replacement string) maker {
	return beside(func(b *base) []byte { return b.signed("bob", edited(b.review(), old, replacement)) })
}

var statements = []vector{
	v("subject-of-a-former-edition", elsewhere, "about a former edition of the image", beside(func(b *base) []byte {
		return b.signed("bob", must(statement.Reproduce(b.other, ran())))
	})),
	v("subject-content-renamed", elsewhere, "the first subject is called Content", stated(`"name":"content"`, `"name":"Content"`)),
	v("subject-content-second", elsewhere, "the content id is the second subject", beside(func(b *base) []byte {
		s := string(b.reproduction())
		one := `{"digest":{"sha256":"` + hexOf(b.about) + `"},"name":"content"},`
		i := strings.Index(s, one)
		rest := s[i+len(one):]
		j := strings.Index(rest, `},{`) + 2
		return b.signed("bob", []byte(s[:i]+rest[:j]+one+rest[j:]))
	})),
	v("subject-object-of-a-former-edition", broken, "this content id, and a layer of a former edition", beside(func(b *base) []byte {
		return b.signed("bob", edited(b.reproduction(), hexDigest(b.about, "code"), hexDigest(b.other, "code")))
	})),
	v("subject-missing", broken, "a layer is not named", beside(func(b *base) []byte {
		return b.signed("bob", edited(b.reproduction(), `{"digest":{"sha256":"`+hexDigest(b.about, "code")+`"},"name":"code"},`, ""))
	})),
	v("subject-added", broken, "one subject too many", beside(func(b *base) []byte {
		return b.signed("bob", edited(b.reproduction(), `"subject":[`, `"subject":[{"digest":{"sha256":"`+hexOf(b.about)+`"},"name":"content"},`))
	})),
	v("subject-renamed", broken, "a layer by another name", stated(`"name":"code"`, `"name":"data"`)),
	v("subject-capitals", broken, "a digest in capitals", beside(func(b *base) []byte {
		return b.signed("bob", edited(b.reproduction(), hexOf(b.about), strings.ToUpper(hexOf(b.about))))
	})),
	v("subject-of-sha512", broken, "a subject without SHA-256", stated(`"sha256"`, `"sha512"`)),
	v("subject-short", broken, "a digest that is too short", beside(func(b *base) []byte {
		return b.signed("bob", edited(b.reproduction(), hexOf(b.about), hexOf(b.about)[:62]))
	})),
	v("subject-second-digest", broken, "a subject with a second digest", stated(`{"sha256"`, `{"sha1":"00","sha256"`)),
	v("no-subject", broken, "no subject", beside(func(b *base) []byte {
		s := string(b.reproduction())
		return b.signed("bob", []byte(s[:strings.Index(s, `"subject":[`)]+`"subject":[]}`))
	})),
	v("foreign-subject-elsewhere", elsewhere, "another program's statement about another file", beside(func(b *base) []byte {
		return b.signed("bob", []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha256":"`+hexOf(b.other)+`"}}],"predicateType":"https://example.org/x","predicate":{}}`))
	})),
	v("foreign-content-id-as-name", elsewhere, "the content id is a subject's name only", beside(func(b *base) []byte {
		return b.signed("bob", []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"`+hexOf(b.about)+`","digest":{"sha256":"`+hexOf(b.other)+`"}}],"predicateType":"https://example.org/x","predicate":{}}`))
	})),

	v("statement-0.1", broken, "in-toto's version 0.1, of a kind that has no such", stated("Statement/v1", "Statement/v0.1")),
	v("statement-type-slash", broken, "a slash behind the type of statements", stated("Statement/v1", "Statement/v1/")),
	v("statement-member-doubled", broken, "a second predicate", stated(`"predicate":{`, `"predicate":{},"predicate":{`)),
	v("statement-member-doubled-deep", broken, "a second verdict in a result", stated(`"verdict":"identical"`, `"verdict":"identical","verdict":"differs"`)),
	v("statement-member-unknown", broken, "a member that statements have not", stated(`"_type"`, `"_more":1,"_type"`)),
	v("statement-spaces", broken, "not canonical", stated(`"predicate":{`, `"predicate": {`)),
	v("statement-tail", broken, "a line end behind it", beside(func(b *base) []byte { return b.signed("bob", append(b.reproduction(), '\n')) })),
	v("statement-empty", broken, "an empty payload", beside(func(b *base) []byte { return b.signed("bob", nil) })),
	v("predicate-list", broken, "the predicate is a list", beside(func(b *base) []byte {
		return b.signed("bob", []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha256":"`+hexOf(b.about)+`"}}],"predicateType":"https://example.org/x","predicate":[]}`))
	})),
	v("predicate-type-line-end", broken, "a line end behind the predicate type", stated("reproduction/v1", `reproduction/v1\n`)),
	v("predicate-of-another-kind", broken, "a reproduction that calls itself a review", stated("reproduction/v1", "review/v1")),

	v("outcome-lies", broken, "reproduced, with a result that differs", beside(func(b *base) []byte {
		r := ran()
		r.Results[0].Verdict = report.Differs
		return b.signed("bob", edited(must(statement.Reproduce(b.about, r)), `"outcome":"failed"`, `"outcome":"reproduced"`))
	})),
	v("outcome-of-a-failed-step", broken, "reproduced, with a step that failed", stated(`"status":"done"`, `"status":"failed"`)),
	v("outcome-unknown", broken, "an outcome that is none", stated(`"outcome":"reproduced"`, `"outcome":"Reproduced"`)),
	v("outcome-of-nothing", broken, "reproduced, without results", beside(func(b *base) []byte {
		r := ran()
		r.NotRun, r.Results = []string{"sum", "mean"}, []statement.Result{}
		return b.signed("bob", edited(must(statement.Reproduce(b.about, r)), `"outcome":"partial"`, `"outcome":"reproduced"`))
	})),
	v("outcome-of-what-needs-eyes", broken, "reproduced, with a result that needs eyes", beside(func(b *base) []byte {
		r := ran()
		r.Results[1].Verdict = report.NeedsEyes
		return b.signed("bob", edited(must(statement.Reproduce(b.about, r)), `"outcome":"partial"`, `"outcome":"reproduced"`))
	})),
	v("outcome-of-changed-settings", broken, "reproduced, with settings that the image has not", beside(func(b *base) []byte {
		r := ran()
		r.Changed = []string{"all: cpus 1"}
		return b.signed("bob", edited(must(statement.Reproduce(b.about, r)), `"outcome":"partial"`, `"outcome":"reproduced"`))
	})),
	v("counts-lie", broken, "3 of 2 results", stated(`"reproduced":2,"results":2`, `"reproduced":3,"results":2`)),
	v("counts-negative", broken, "minus two results", stated(`"reproduced":2,"results":2`, `"reproduced":2,"results":-2`)),
	v("result-left-out", broken, "one of two results is not spoken of", beside(func(b *base) []byte {
		im, r := b.about, ran()
		im.Results, r.Results = im.Results[:1], r.Results[:1]
		return b.signed("bob", must(statement.Reproduce(im, r)))
	})),
	v("result-of-another-name", broken, "a result that the image has not", stated(`"name":"mean"`, `"name":"median"`)),
	v("result-twice", broken, "one result twice", beside(func(b *base) []byte {
		return b.signed("bob", edited(b.reproduction(), `"name":"mean"`, `"name":"sum"`))
	})),
	v("result-without-digest", broken, "identical, without a file", beside(func(b *base) []byte {
		s := string(b.reproduction())
		i := strings.Index(s, `"digest":"sha256:`)
		return b.signed("bob", []byte(s[:i]+s[i+len(`"digest":"sha256:`)+64+2:]))
	})),
	v("verdict-unknown", broken, "a verdict that is none", stated(`"verdict":"identical"`, `"verdict":"fine"`)),
	v("step-left-out", broken, "no step is spoken of", beside(func(b *base) []byte {
		im, r := b.about, ran()
		im.Steps, r.Steps = nil, []statement.Step{}
		return b.signed("bob", must(statement.Reproduce(im, r)))
	})),
	v("conflicts-left-open", broken, "nothing is said of conflicts of interest", stated(`"conflicts":"none",`, "")),
	v("report-missing", broken, "an empty digest of the report", beside(func(b *base) []byte {
		s := string(b.reproduction())
		i := strings.Index(s, `"report":"sha256:`)
		return b.signed("bob", []byte(s[:i]+`"report":""`+s[i+len(`"report":"sha256:`)+65:]))
	})),
	v("made-in-the-future", invalid, "made tomorrow", opined(made.Format(time.RFC3339), now.AddDate(0, 0, 1).Format(time.RFC3339))),
	v("made-in-another-zone", broken, "made in local time", opined("2021-01-01T00:00:00Z", "2021-01-01T01:00:00+01:00")),
	v("made-in-fractions", broken, "made in fractions of a second", opined("2021-01-01T00:00:00Z", "2021-01-01T00:00:00.5Z")),
	v("made-never", broken, "no time", opined("2021-01-01T00:00:00Z", "")),
	v("words-turned-around", broken, "words with a mark that turns text around", opined("Sound.", "Sound\u202e.")),
	v("words-with-escape", broken, "words that clear a terminal", opined("Sound.", `Sound.\u001b[2J`)),
	v("words-missing", broken, "a review without words", opined(`,"words":"Sound."`, "")),
	v("reason-with-line-end", broken, "a reason of two lines", stated("the same number", `the same\nnumber`)),
	v("role-of-two-words", broken, "a role that is no word", stated(`"role":"reviewer"`, `"role":"reviewer editor"`)),
	v("test-result-unknown", broken, "a test-result that is none", beside(func(b *base) []byte {
		return b.signed("bob", edited(must(statement.Test(b.about, ran())), "PASSED", "SKIPPED"))
	})),
}

func hexDigest(im statement.Image, object string) string {
	for _, o := range im.Objects {
		if o.Name == object {
			return strings.TrimPrefix(string(o.Digest), "sha256:")
		}
	}
	panic(object)
}
