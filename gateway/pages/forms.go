package pages

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"repro/archive"
	"repro/gateway/access"
	"repro/gateway/rerun"
	"repro/gateway/signoff"
	"repro/gateway/store"
	"repro/report"
	"repro/report/view"
)

// archiveTime is how long writing a deposit may take.
const archiveTime = 2 * time.Hour

func (p *Pages) formHandlers() map[string]access.Handler {
	return map[string]access.Handler{
		"GET /v/{venue}/submissions/{submission}/forms/{name}": p.form,
		"POST /v/{venue}/submissions/{submission}/archive":     p.archive,
	}
}

// forms are what journals ask for, by the name of the file.
var forms = map[string]func(io.Writer, *report.Run, view.Said) error{
	"codecheck.yml": view.Codecheck, "aea.md": view.AEA, "acm.md": view.ACM,
}

// form fills in a form with what a run found, and with who signed it off and
// what they said. What only a person can say is left open.
func (p *Pages) form(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	write := forms[r.PathValue("name")]
	if write == nil {
		return access.Refuse(http.StatusNotFound, "there is no such form")
	}
	runs, err := p.store.Runs(r.Context(), r.PathValue("submission"))
	if err != nil {
		return err
	}
	_, rep, err := p.telling(runs)
	if err != nil {
		return err
	}
	if rep == nil {
		return access.Refuse(http.StatusNotFound, "a form is filled in with what a run found, and none has come to its end")
	}
	said, err := p.signedOff(r)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := write(&b, rep, said); err != nil {
		return err
	}
	attach(w, r.PathValue("name"))
	_, err = w.Write(b.Bytes())
	return err
}

// signedOff is what those say whom the venue believes.
func (p *Pages) signedOff(r *http.Request) (said view.Said, err error) {
	o, err := p.open(r)
	if err != nil {
		return said, err
	}
	defer o.file.Close()
	s, keys, err := p.submitted(r, o)
	if err != nil {
		return said, err
	}
	_, all, err := signoff.Judge(r.Context(), s, keys)
	var conflicts, words []string
	for _, a := range all {
		if !a.Believed || a.By == nil || a.Role != "reviewer" {
			continue
		}
		said.By = append(said.By, *a.By)
		conflicts, words = append(conflicts, a.By.Name+": "+a.Conflicts), append(words, a.Words)
	}
	said.Summary = strings.Join(words, " ")
	if said.Conflicts = strings.Join(conflicts, "; "); len(said.By) == 1 {
		said.Conflicts = strings.TrimPrefix(said.Conflicts, said.By[0].Name+": ")
	}
	return said, err
}

// archive sends the deposit around the image: with the run that says most of it,
// what is attested and the keys that the venue trusts.
func (p *Pages) archive(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	select {
	case p.archiving <- struct{}{}: // it takes the disk for a while
		defer func() { <-p.archiving }()
	default:
		return access.Refuse(http.StatusServiceUnavailable, "another archive is being written: try again later")
	}
	o, err := p.open(r)
	if err != nil {
		return err
	}
	defer o.file.Close()
	options, err := p.archiveOptions(r, o)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(p.store.Dir(), "archive-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(archiveTime))
	name := filepath.Join(dir, o.ID+".zip")
	if _, err := archive.Write(r.Context(), o.image, name, options); err != nil {
		return access.Refuse(http.StatusUnprocessableEntity, "no archive can be made of this: %v", err)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return sendFile(w, o.ID+".zip", info.Size(), f)
}

func (p *Pages) archiveOptions(r *http.Request, o opened) (a archive.Options, err error) {
	s, keys, err := p.submitted(r, o)
	if err != nil {
		return a, err
	}
	if a.Trust, err = signoff.Trust(keys); err != nil {
		return a, err
	}
	rep, _, err := signoff.Judge(r.Context(), s, keys)
	if err != nil {
		return a, err
	}
	a.Form, a.Unsigned = archive.Zip, rep.Verdict != report.ImageSigned
	for i, k := range keys {
		a.Keys = append(a.Keys, archive.File{Name: fmt.Sprintf("trusted-%d.pub", i+1), Content: k.Material})
	}
	for _, at := range s.Attached {
		a.Signatures = append(a.Signatures, archive.File{Name: fmt.Sprintf("attestation-%d.sigstore.json", at.ID), Content: at.Bundle})
	}
	runs, err := p.store.Runs(r.Context(), o.ID)
	if err != nil {
		return a, err
	}
	best, found, err := p.telling(runs)
	if err == nil && found != nil {
		a.Runs = []string{filepath.Join(p.runDir(*best), rerun.Record)}
	}
	return a, err
}

// judgement is what a venue believes of a submission.
type judgement struct {
	Verify *report.Verify
	Signed []string // who has signed it, whom the venue trusts
}

// judge says what the venue of a submission believes of it. Nobody is asked
// where it trusts nobody.
func (p *Pages) judge(r *http.Request, sub store.Submission, f *facts) (judgement, error) {
	keys, err := p.store.Keys(r.Context(), sub.Venue)
	if err != nil || len(keys) == 0 {
		return judgement{Verify: &f.Verify}, err
	}
	file, image, err := p.images.Open(sub)
	if err != nil {
		return judgement{}, err
	}
	defer file.Close()
	j := judgement{}
	j.Verify, _, err = signoff.Judge(r.Context(), signoff.Submitted{Image: image, Report: &f.Verify}, keys)
	if err != nil {
		return j, err
	}
	for _, s := range j.Verify.Signatures {
		if s.Trusted && s.Status == report.SignatureValid && !slices.Contains(j.Signed, s.Signer) {
			j.Signed = append(j.Signed, s.Signer)
		}
	}
	if j.Verify.Verdict != report.ImageSigned {
		j.Signed = nil
	}
	return j, nil
}
