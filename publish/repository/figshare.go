package repository

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
)

// figshareTarget is Figshare.
var figshareTarget = &Target{
	Name: "figshare", Title: "Figshare", Server: "https://api.figshare.com", Variable: "FIGSHARE_TOKEN",
	Embargo: true, Pages: true, MaxFile: 20e9, MaxAll: 20e9, hosts: []string{".figshare.com"},
	authorize: func(token string) (string, string) { return "Authorization", "token " + token },
	begin:     func(c *client) service { return &figshare{c} },
}

// figshare is version 2 of the API, and its upload service.
type figshare struct{ *client }

// figshareArticle is a record.
type figshareArticle struct {
	ID     int64  `json:"id"`
	DOI    string `json:"doi"`
	Status string `json:"status"`
	Page   string `json:"url_private_html"`
	When   string `json:"published_date"`
}

func (a *figshareArticle) record() record {
	r := record{ID: strconv.FormatInt(a.ID, 10), DOI: a.DOI, Page: a.Page, State: Draft}
	if a.Status == "public" {
		r.State = Published
	}
	return r
}

const articles = "/v2/account/articles"

func article(id, rest string) string { return articles + "/" + url.PathEscape(id) + rest }

const figshareExample = `{"id":1,"status":"draft"}`

// metadata are those of a record. Its licence is one of those that the account may
// give; where none is the image's, the description alone says which it is.
func (v *figshare) metadata(ctx context.Context, d *description) (map[string]any, error) {
	p := d.Manifest.Paper
	authors := []any{}
	for _, a := range p.Authors {
		who := map[string]string{"name": a.Name}
		if a.ORCID != "" {
			who["orcid_id"] = a.ORCID
		}
		authors = append(authors, who)
	}
	m := map[string]any{
		"title": p.Title, "description": d.Description() + "\n\nLicence: " + p.Licence, "defined_type": "software",
		"authors": authors, "tags": append([]string{d.Mark}, p.Keywords...),
	}
	var licences []struct {
		Value int    `json:"value"`
		Name  string `json:"name"`
	}
	if err := v.repeat(ctx, request{method: "GET", path: "/v2/account/licenses", example: `[]`}, &licences); err != nil {
		return nil, err
	}
	plain := strings.NewReplacer("-", "", " ", "", ".", "")
	for _, l := range licences {
		if strings.EqualFold(plain.Replace(l.Name), plain.Replace(p.Licence)) {
			m["license"] = l.Value
		}
	}
	return m, nil
}

func (v *figshare) find(ctx context.Context, d *description) ([]record, error) {
	var answer []figshareArticle
	search := map[string]any{"search_for": `:tag: "` + d.Mark + `"`, "limit": 10}
	err := v.repeat(ctx, request{method: "POST", path: articles + "/search", json: search, example: `[]`}, &answer)
	var all []record
	for _, a := range answer {
		r := a.record()
		if a.When != "" {
			r.State = Published
		}
		all = append(all, r)
	}
	return all, err
}

func (v *figshare) create(ctx context.Context, d *description) (record, error) {
	m, err := v.metadata(ctx, d)
	if err != nil {
		return record{}, err
	}
	var answer struct {
		ID int64 `json:"entity_id"`
	}
	err = v.once(ctx, request{method: "POST", path: articles, json: m, example: `{"entity_id":1}`}, &answer)
	if err == nil && answer.ID == 0 {
		err = &formError{"does not say which record it made"}
	}
	return (&figshareArticle{ID: answer.ID}).record(), err
}

func (v *figshare) version(context.Context, string, *description) (record, error) {
	return record{}, ErrOptions
}

func (v *figshare) look(ctx context.Context, id string) (record, error) {
	var answer figshareArticle
	err := v.repeat(ctx, request{method: "GET", path: article(id, ""), example: figshareExample}, &answer)
	return answer.record(), err
}

func (v *figshare) describe(ctx context.Context, r record, d *description) error {
	m, err := v.metadata(ctx, d)
	if err != nil {
		return err
	}
	if err := v.repeat(ctx, request{method: "PUT", path: article(r.ID, ""), json: m}, nil); err != nil || !d.embargoed() {
		return err
	}
	embargo := map[string]any{"is_embargoed": true, "embargo_date": d.Embargo, "embargo_type": "file", "embargo_reason": "The files are held back until the paper is published."}
	return v.repeat(ctx, request{method: "PUT", path: article(r.ID, "/embargo"), json: embargo}, nil)
}

// reserve reserves a DOI, the same each time.
func (v *figshare) reserve(ctx context.Context, r record) (string, error) {
	var answer struct{ DOI string }
	err := v.repeat(ctx, request{method: "POST", path: article(r.ID, "/reserve_doi"), example: `{"doi":"` + exampleDOI + `"}`}, &answer)
	if err == nil && answer.DOI == "" {
		err = &formError{"does not say which DOI it reserved"}
	}
	return answer.DOI, err
}

// figshareFile is a file of a record.
type figshareFile struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	MD5    string `json:"computed_md5"`
	Status string `json:"status"`
	Upload string `json:"upload_url"`
}

func (v *figshare) files(ctx context.Context, r record) ([]stored, error) {
	var answer []figshareFile
	err := v.repeat(ctx, request{method: "GET", path: article(r.ID, "/files?page_size=500"), example: `[]`}, &answer)
	var all []stored
	for _, f := range answer {
		all = append(all, stored{Name: f.Name, Size: f.Size, Algorithm: "md5", Checksum: f.MD5, Whole: f.Status == "available", id: strconv.FormatInt(f.ID, 10)})
	}
	return all, err
}

// upload sends a file in the parts that the server names, each of which can be sent
// again, and waits for the server's own checksum.
func (v *figshare) upload(ctx context.Context, r record, f *file) error {
	var begun struct {
		Location string `json:"location"`
	}
	about := map[string]any{"name": f.Name, "size": f.Size, "md5": f.sums["md5"]}
	if err := v.once(ctx, request{method: "POST", path: article(r.ID, "/files"), json: about, example: `{"location":"` + v.address(article(r.ID, "/files/1")) + `"}`}, &begun); err != nil {
		return err
	}
	id := begun.Location[strings.LastIndexByte(begun.Location, '/')+1:]
	one := article(r.ID, "/files/"+url.PathEscape(id))
	var there figshareFile
	if err := v.repeat(ctx, request{method: "GET", path: one, example: `{"id":1,"upload_url":"https://uploads.figshare.com/upload/TOKEN"}`}, &there); err != nil {
		return err
	}
	if err := v.parts(ctx, f, there.Upload); err != nil {
		return err
	}
	if err := v.once(ctx, request{method: "POST", path: one}, nil); err != nil || v.dry != nil {
		return err
	}
	for looks := 1; looks <= 2*maxTries; looks++ {
		if err := v.repeat(ctx, request{method: "GET", path: one}, &there); err != nil || there.Status == "available" {
			return err
		}
		if err := v.wait(ctx, looks, nil); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: the server does not say what it has: %.40q", ErrDiffers, there.Status)
}

func (v *figshare) parts(ctx context.Context, f *file, address string) error {
	u, err := url.Parse(address)
	if err != nil || !v.trusted(u.Host) {
		return &formError{fmt.Sprintf("wants the file at %.200q, which is not its own", address)}
	}
	var form struct {
		Parts []struct {
			Number int   `json:"partNo"`
			From   int64 `json:"startOffset"`
			To     int64 `json:"endOffset"` // the last byte
		} `json:"parts"`
	}
	example := fmt.Sprintf(`{"parts":[{"partNo":1,"startOffset":0,"endOffset":%d}]}`, f.Size-1)
	if err := v.repeat(ctx, request{method: "GET", path: address, example: example}, &form); err != nil {
		return err
	}
	for _, p := range form.Parts {
		if p.From < 0 || p.To >= f.Size || p.To < p.From {
			return &formError{fmt.Sprintf("wants the bytes %d to %d of %d", p.From, p.To, f.Size)}
		}
		n := p.To - p.From + 1
		part := *f
		part.at, part.Size = io.NewSectionReader(f.at, p.From, n), n
		sending, cancel := context.WithCancel(ctx)
		err := v.repeat(sending, request{method: "PUT", path: address + "/" + strconv.Itoa(p.Number), body: func() io.Reader { return part.body(cancel) }, size: n, kind: "application/octet-stream"}, nil)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *figshare) remove(ctx context.Context, r record, f stored) error {
	return v.repeat(ctx, request{method: "DELETE", path: article(r.ID, "/files/"+url.PathEscape(f.id))}, nil)
}

func (v *figshare) settle(context.Context, record, *description) error { return nil }

func (v *figshare) publish(ctx context.Context, r record, _ *description) error {
	return v.once(ctx, request{method: "POST", path: article(r.ID, "/publish")}, nil)
}
