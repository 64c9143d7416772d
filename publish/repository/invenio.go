package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"repro/archive/submission"
)

// zenodoTarget is Zenodo, which runs InvenioRDM.
var zenodoTarget = &Target{
	Name: "zenodo", Title: "Zenodo", Server: "https://zenodo.org", Variable: "ZENODO_TOKEN",
	Collection: "community", Embargo: true, Version: true, Pages: true, Demands: submission.Zenodo,
	MaxFile: 50e9, MaxAll: 50e9, authorize: bearer, begin: func(c *client) service { return &invenio{c} },
}

// invenioTarget is any InvenioRDM.
var invenioTarget = &Target{
	Name: "invenio", Title: "InvenioRDM", Variable: "INVENIO_TOKEN",
	Collection: "community", Embargo: true, Version: true, Pages: true, Demands: submission.Zenodo,
	authorize: bearer, begin: func(c *client) service { return &invenio{c} },
}

func bearer(token string) (header, value string) { return "Authorization", "Bearer " + token }

// invenio is the REST API of InvenioRDM: Drafts and records, of its documentation.
type invenio struct{ *client }

// invenioRecord is a draft or a record.
type invenioRecord struct {
	ID    string                     `json:"id"`
	IDs   map[string]json.RawMessage `json:"pids"`
	Links struct {
		Page string `json:"self_html"`
	} `json:"links"`
	Status      string `json:"status"`
	IsDraft     bool   `json:"is_draft"`
	IsPublished bool   `json:"is_published"`
	Errors      []struct {
		Field    string   `json:"field"`
		Messages []string `json:"messages"`
	} `json:"errors"`
}

// wrong says what the server found wrong in the metadata. It answers 200 all the
// same, and would refuse to publish.
func (r *invenioRecord) wrong() error {
	var all []string
	for _, e := range r.Errors {
		if strings.HasPrefix(e.Field, "files") { // none is there yet
			continue
		}
		all = append(all, e.Field+": "+strings.Join(e.Messages, " "))
	}
	if len(all) == 0 {
		return nil
	}
	return &formError{fmt.Sprintf("does not take the metadata: %.1000s", strings.Join(all, "; "))}
}

func (r *invenioRecord) record() record {
	state := Draft
	switch {
	case r.IsPublished && !r.IsDraft, r.Status == "published":
		state = Published
	case r.Status == "in_review":
		state = Review
	}
	var doi struct {
		Identifier string `json:"identifier"`
	}
	if raw := r.IDs["doi"]; raw != nil {
		_ = json.Unmarshal(raw, &doi) // another form is none
	}
	return record{ID: r.ID, DOI: doi.Identifier, Page: r.Links.Page, State: state, handle: r.IDs}
}

func draftPath(id, rest string) string { return "/api/records/" + url.PathEscape(id) + "/draft" + rest }

const invenioExample = `{"id":"ID","is_draft":true,"status":"draft","links":{"self_html":"https://example.org/uploads/ID"}}`

// metadata is the whole of a draft's document. What it leaves out the server drops,
// the DOI that it reserved too.
func (v *invenio) metadata(d *description, ids any) map[string]any {
	about := *d.Deposit
	about.DOI = ""
	m := submission.InvenioRecord(&about)
	meta := m["metadata"].(map[string]any)
	meta["identifiers"] = []any{map[string]string{"identifier": d.Mark, "scheme": "urn"}}
	access := map[string]any{"record": "public", "files": "public"}
	if d.embargoed() {
		access["files"] = "restricted"
		access["embargo"] = map[string]any{"active": true, "until": d.Embargo, "reason": "The files are held back until the paper is published."}
	}
	m["access"] = access
	if all, ok := ids.(map[string]json.RawMessage); ok && len(all) > 0 {
		m["pids"] = all
	}
	return m
}

func (v *invenio) find(ctx context.Context, d *description) ([]record, error) {
	q := url.Values{"q": {`metadata.identifiers.identifier:"` + d.Mark + `"`}, "size": {"10"}, "sort": {"newest"}}
	var answer struct {
		Hits struct {
			Hits []invenioRecord `json:"hits"`
		} `json:"hits"`
	}
	err := v.repeat(ctx, request{method: "GET", path: "/api/user/records?" + q.Encode(), example: `{"hits":{"hits":[]}}`}, &answer)
	var all []record
	for _, h := range answer.Hits.Hits {
		all = append(all, h.record())
	}
	return all, err
}

func (v *invenio) create(ctx context.Context, d *description) (record, error) {
	var answer invenioRecord
	err := v.once(ctx, request{method: "POST", path: "/api/records", json: v.metadata(d, nil), example: invenioExample}, &answer)
	if err != nil {
		return record{}, err
	}
	if r := answer.record(); r.ID != "" {
		return r, nil // what is wrong with the metadata is said when they are sent again
	}
	return record{}, &formError{"does not say which record it made"}
}

// version asks for the draft of a new version. The server gives the same until that
// is published.
func (v *invenio) version(ctx context.Context, of string, _ *description) (record, error) {
	id := of
	if _, last, ok := strings.Cut(strings.ToLower(of), "zenodo."); ok {
		id = last // 10.5281/zenodo.ID
	}
	var answer invenioRecord
	err := v.repeat(ctx, request{method: "POST", path: "/api/records/" + url.PathEscape(id) + "/versions", example: invenioExample}, &answer)
	return answer.record(), err
}

func (v *invenio) look(ctx context.Context, id string) (record, error) {
	var answer invenioRecord
	err := v.repeat(ctx, request{method: "GET", path: draftPath(id, ""), example: invenioExample}, &answer)
	if hasStatus(err, http.StatusNotFound) {
		answer = invenioRecord{}
		if err = v.repeat(ctx, request{method: "GET", path: "/api/records/" + url.PathEscape(id)}, &answer); err == nil {
			answer.IsPublished, answer.IsDraft = true, false
		}
	}
	return answer.record(), err
}

func (v *invenio) describe(ctx context.Context, r record, d *description) error {
	now, err := v.look(ctx, r.ID)
	if err != nil {
		return err
	}
	var answer invenioRecord
	if err := v.repeat(ctx, request{method: "PUT", path: draftPath(r.ID, ""), json: v.metadata(d, now.handle), example: invenioExample}, &answer); err != nil {
		return err
	}
	if err := answer.wrong(); err != nil {
		return err
	}
	if d.Collection == "" {
		return nil
	}
	review := map[string]any{"receiver": map[string]string{"community": d.Collection}, "type": "community-submission"}
	return v.repeat(ctx, request{method: "PUT", path: draftPath(r.ID, "/review"), json: review, example: `{}`}, nil)
}

// reserve reserves a DOI. One that an unanswered request reserved is in the draft.
func (v *invenio) reserve(ctx context.Context, r record) (string, error) {
	for failures := 0; ; {
		var answer invenioRecord
		err := v.once(ctx, request{method: "POST", path: draftPath(r.ID, "/pids/doi"), example: `{"id":"ID","pids":{"doi":{"identifier":"` + exampleDOI + `"}}}`}, &answer)
		if err == nil {
			if doi := answer.record().DOI; doi != "" {
				return doi, nil
			}
			return "", &formError{"does not say which DOI it reserved"}
		}
		now, lookErr := v.look(ctx, r.ID)
		if lookErr == nil && now.DOI != "" {
			return now.DOI, nil
		}
		if failures++; failures == maxTries || !mayPass(err) {
			return "", err
		}
		if err := v.wait(ctx, failures, err); err != nil {
			return "", err
		}
	}
}

func (v *invenio) files(ctx context.Context, r record) ([]stored, error) {
	path := draftPath(r.ID, "/files")
	if r.State == Published {
		path = "/api/records/" + url.PathEscape(r.ID) + "/files"
	}
	var answer struct {
		Entries []struct {
			Key      string `json:"key"`
			Size     int64  `json:"size"`
			Checksum string `json:"checksum"`
			Status   string `json:"status"`
		} `json:"entries"`
	}
	err := v.repeat(ctx, request{method: "GET", path: path, example: `{"entries":[]}`}, &answer)
	var all []stored
	for _, e := range answer.Entries {
		algorithm, sum, _ := strings.Cut(e.Checksum, ":")
		all = append(all, stored{Name: e.Key, Size: e.Size, Algorithm: algorithm, Checksum: sum, Whole: e.Status == "completed", id: e.Key})
	}
	return all, err
}

func (v *invenio) upload(ctx context.Context, r record, f *file) error {
	one := draftPath(r.ID, "/files/"+url.PathEscape(f.Name))
	if err := v.once(ctx, request{method: "POST", path: draftPath(r.ID, "/files"), json: []any{map[string]string{"key": f.Name}}, example: `{}`}, nil); err != nil {
		return err
	}
	sending, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := v.once(sending, request{method: "PUT", path: one + "/content", body: func() io.Reader { return f.body(cancel) }, size: f.Size, kind: "application/octet-stream", example: `{}`}, nil); err != nil {
		return err
	}
	return v.once(ctx, request{method: "POST", path: one + "/commit", example: `{}`}, nil)
}

func (v *invenio) remove(ctx context.Context, r record, f stored) error {
	return v.repeat(ctx, request{method: "DELETE", path: draftPath(r.ID, "/files/"+url.PathEscape(f.Name))}, nil)
}

// settle sends the metadata once more: which file is shown first is taken only when
// it is there.
func (v *invenio) settle(ctx context.Context, r record, d *description) error {
	return v.describe(ctx, r, d)
}

// publish publishes, or hands the draft to those who keep the community.
func (v *invenio) publish(ctx context.Context, r record, d *description) error {
	if d.Collection != "" {
		text := map[string]any{"payload": map[string]string{"content": "Sent by repro.", "format": "html"}}
		return v.once(ctx, request{method: "POST", path: draftPath(r.ID, "/actions/submit-review"), json: text, example: `{}`}, nil)
	}
	return v.once(ctx, request{method: "POST", path: draftPath(r.ID, "/actions/publish"), example: `{}`}, nil)
}
