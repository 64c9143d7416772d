package repository

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"repro/archive/submission"
)

// dataverseTarget is any Dataverse.
var dataverseTarget = &Target{
	Name: "dataverse", Title: "Dataverse", Variable: "DATAVERSE_TOKEN",
	Collection: "collection", InOne: true, Embargo: true, Version: true, Pages: true, Demands: submission.Dataverse,
	authorize: func(token string) (string, string) { return "X-Dataverse-key", token },
	begin:     func(c *client) service { return &dataverse{c} },
}

// dataverse is the native API of Dataverse. Data are in an envelope with the key
// data.
type dataverse struct{ *client }

// envelope is what every answer is in.
type envelope[T any] struct {
	Status string `json:"status"`
	Data   T      `json:"data"`
}

// datasetPath leads to something of the dataset that has a DOI.
func datasetPath(id, rest string, more ...string) string {
	q := url.Values{"persistentId": {id}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return "/api/datasets/:persistentId/" + rest + "?" + q.Encode()
}

func (v *dataverse) record(id, state string) record {
	return record{
		ID: id, DOI: strings.TrimPrefix(id, "doi:"), State: state,
		Page: v.base + "/dataset.xhtml?" + url.Values{"persistentId": {id}}.Encode(),
	}
}

// metadata is a dataset. Its licence stands in the terms of use: which licences an
// installation knows by name is its own affair, and what is not named would become
// the one that it prefers.
func (v *dataverse) metadata(d *description) map[string]any {
	m := submission.DataverseDataset(d.Deposit)
	version := m["datasetVersion"].(map[string]any)
	citation := version["metadataBlocks"].(map[string]any)["citation"].(map[string]any)
	other := map[string]any{
		"otherIdAgency": map[string]any{"typeName": "otherIdAgency", "typeClass": "primitive", "multiple": false, "value": "repro"},
		"otherIdValue":  map[string]any{"typeName": "otherIdValue", "typeClass": "primitive", "multiple": false, "value": d.Mark},
	}
	citation["fields"] = append(citation["fields"].([]any), map[string]any{"typeName": "otherId", "typeClass": "compound", "multiple": true, "value": []any{other}})
	switch licence := d.Manifest.Paper.Licence; {
	case licence == "CC0-1.0": // which every installation knows
		version["license"] = map[string]string{"name": "CC0 1.0", "uri": "http://creativecommons.org/publicdomain/zero/1.0"}
	case licenceAddress(licence) != "":
		version["termsOfUse"] = fmt.Sprintf("Licence: %s, %s", licence, licenceAddress(licence))
	default:
		version["termsOfUse"] = "Licence (SPDX expression): " + licence
	}
	return m
}

func (v *dataverse) find(ctx context.Context, d *description) ([]record, error) {
	q := url.Values{"q": {`otherIdValue:"` + d.Mark + `"`}, "type": {"dataset"}, "per_page": {"10"}}
	var answer envelope[struct {
		Items []struct {
			ID     string   `json:"global_id"`
			States []string `json:"publicationStatuses"`
			State  string   `json:"versionState"`
		} `json:"items"`
	}]
	err := v.repeat(ctx, request{method: "GET", path: "/api/search?" + q.Encode(), example: `{"status":"OK","data":{"items":[]}}`}, &answer)
	var all []record
	for _, i := range answer.Data.Items {
		state := Draft
		if i.State == "RELEASED" || strings.Contains(strings.Join(i.States, " "), "Published") {
			state = Published
		}
		all = append(all, v.record(i.ID, state))
	}
	return all, err
}

func (v *dataverse) create(ctx context.Context, d *description) (record, error) {
	var answer envelope[struct {
		ID string `json:"persistentId"`
	}]
	err := v.once(ctx, request{
		method: "POST", path: "/api/dataverses/" + url.PathEscape(d.Collection) + "/datasets", json: v.metadata(d),
		example: `{"status":"OK","data":{"id":1,"persistentId":"doi:` + exampleDOI + `"}}`,
	}, &answer)
	if err == nil && answer.Data.ID == "" {
		err = &formError{"does not say which dataset it made"}
	}
	return v.record(answer.Data.ID, Draft), err
}

// version is the published dataset itself: what is changed in it makes a draft.
func (v *dataverse) version(ctx context.Context, of string, d *description) (record, error) {
	id := of
	if !strings.Contains(of, ":") {
		id = "doi:" + of
	}
	r, err := v.look(ctx, id)
	if err != nil {
		return r, err
	}
	r.State = Draft
	return r, v.describe(ctx, r, d)
}

func (v *dataverse) look(ctx context.Context, id string) (record, error) {
	var answer envelope[struct {
		Latest struct {
			State string `json:"versionState"`
		} `json:"latestVersion"`
	}]
	err := v.repeat(ctx, request{method: "GET", path: datasetPath(id, ""), example: `{"status":"OK","data":{"latestVersion":{"versionState":"DRAFT"}}}`}, &answer)
	state := Draft
	if answer.Data.Latest.State == "RELEASED" {
		state = Published
	}
	return v.record(id, state), err
}

func (v *dataverse) describe(ctx context.Context, r record, d *description) error {
	version := v.metadata(d)["datasetVersion"]
	return v.repeat(ctx, request{method: "PUT", path: datasetPath(r.ID, "versions/:draft"), json: version, example: `{"status":"OK"}`}, nil)
}

// reserve has nothing to do: a dataset has its DOI from the start.
func (v *dataverse) reserve(context.Context, record) (string, error) { return "", nil }

// dataverseFile is a file of a dataset.
type dataverseFile struct {
	Label  string `json:"label"`
	Folder string `json:"directoryLabel"`
	File   struct {
		ID       int64  `json:"id"`
		Size     int64  `json:"filesize"`
		MD5      string `json:"md5"`
		Checksum struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		} `json:"checksum"`
	} `json:"dataFile"`
}

func (f *dataverseFile) stored() stored {
	s := stored{Name: f.Label, Size: f.File.Size, Whole: true, id: fmt.Sprint(f.File.ID)}
	if f.Folder != "" {
		s.Name = f.Folder + "/" + f.Label
	}
	s.Algorithm = strings.ToLower(strings.ReplaceAll(f.File.Checksum.Type, "-", ""))
	if s.Checksum = f.File.Checksum.Value; s.Checksum == "" {
		s.Algorithm, s.Checksum = "md5", f.File.MD5
	}
	return s
}

func (v *dataverse) files(ctx context.Context, r record) ([]stored, error) {
	version := ":latest"
	if r.State == Published {
		version = ":latest-published"
	}
	var answer envelope[[]dataverseFile]
	err := v.repeat(ctx, request{method: "GET", path: datasetPath(r.ID, "versions/"+version+"/files"), example: `{"status":"OK","data":[]}`}, &answer)
	var all []stored
	for _, f := range answer.Data {
		all = append(all, f.stored())
	}
	return all, err
}

// upload adds a file. Dataverse would rewrite tables (tabIngest), and calls a second
// file of a name something else.
func (v *dataverse) upload(ctx context.Context, r record, f *file) error {
	if err := v.unlocked(ctx, r); err != nil {
		return err
	}
	about, err := json.Marshal(map[string]any{"description": f.What, "tabIngest": "false", "categories": []string{"Code"}})
	if err != nil {
		return err
	}
	before, after, kind, err := frame(f, about)
	if err != nil {
		return err
	}
	sending, cancel := context.WithCancel(ctx)
	defer cancel()
	body := func() io.Reader {
		return io.MultiReader(bytes.NewReader(before), f.body(cancel), bytes.NewReader(after))
	}
	return v.once(sending, request{
		method: "POST", path: datasetPath(r.ID, "add"), body: body, size: int64(len(before)) + f.Size + int64(len(after)), kind: kind, example: `{"status":"OK"}`,
	}, nil)
}

// frame is what stands before and after a file in a form (RFC 7578), so that its
// length is known before it is read.
func frame(f *file, about []byte) (before, after []byte, kind string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField("jsonData", string(about)); err != nil {
		return nil, nil, "", err
	}
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", `form-data; name="file"; filename="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(f.Name)+`"`)
	h.Set("Content-Type", f.Kind)
	if _, err := w.CreatePart(h); err != nil {
		return nil, nil, "", err
	}
	n := b.Len()
	if err := w.Close(); err != nil {
		return nil, nil, "", err
	}
	return b.Bytes()[:n], b.Bytes()[n:], w.FormDataContentType(), nil
}

// unlocked waits until the server has done with what it does to the dataset.
func (v *dataverse) unlocked(ctx context.Context, r record) error {
	for looks := 1; ; looks++ {
		var answer envelope[[]struct {
			Kind string `json:"lockType"`
		}]
		if err := v.repeat(ctx, request{method: "GET", path: datasetPath(r.ID, "locks"), example: `{"status":"OK","data":[]}`}, &answer); err != nil {
			return err
		}
		if len(answer.Data) == 0 {
			return nil
		}
		if looks == 2*maxTries {
			return &StatusError{Status: http.StatusLocked, Text: fmt.Sprintf("the dataset stays locked: %.60q", answer.Data[0].Kind)}
		}
		if err := v.wait(ctx, looks, nil); err != nil {
			return err
		}
	}
}

func (v *dataverse) remove(ctx context.Context, _ record, f stored) error {
	return v.repeat(ctx, request{method: "DELETE", path: "/api/files/" + url.PathEscape(f.id), example: `{"status":"OK"}`}, nil)
}

// settle holds the files back if an embargo was asked for.
func (v *dataverse) settle(ctx context.Context, r record, d *description) error {
	if !d.embargoed() {
		return nil
	}
	all, err := v.files(ctx, r)
	if err != nil {
		return err
	}
	ids := []json.Number{}
	for _, f := range all {
		ids = append(ids, json.Number(f.id))
	}
	embargo := map[string]any{"dateAvailable": d.Embargo, "reason": "The files are held back until the paper is published.", "fileIds": ids}
	return v.repeat(ctx, request{method: "POST", path: datasetPath(r.ID, "files/actions/:set-embargo"), json: embargo, example: `{"status":"OK"}`}, nil)
}

func (v *dataverse) publish(ctx context.Context, r record, _ *description) error {
	return v.once(ctx, request{method: "POST", path: datasetPath(r.ID, "actions/:publish", "type", "major"), example: `{"status":"OK"}`}, nil)
}
