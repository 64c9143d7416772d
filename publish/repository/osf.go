package repository

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// osfTarget is the Open Science Framework. The DOI of a project follows from its id,
// and is made when it is published.
var osfTarget = &Target{
	Name: "osf", Title: "OSF", Server: "https://api.osf.io", Variable: "OSF_TOKEN", Pages: true,
	MaxFile: 5e9, MaxAll: 50e9, hosts: []string{"files.osf.io"}, authorize: bearer, begin: func(c *client) service { return &osf{c} },
}

// osf is version 2 of the API (JSON:API), and WaterButler for the files.
type osf struct{ *client }

// osfNode is a project.
type osfNode struct {
	ID         string `json:"id"`
	Attributes struct {
		Public bool `json:"public"`
	} `json:"attributes"`
}

func (n *osfNode) record() record {
	return record{ID: n.ID, DOI: "10.17605/OSF.IO/" + strings.ToUpper(n.ID), Page: "https://osf.io/" + n.ID + "/", State: Draft}
}

// storage is the address of a project's files.
func (v *osf) storage(id string) string {
	base := v.base
	if v.base == "https://api.osf.io" {
		base = "https://files.osf.io"
	}
	return base + "/v1/resources/" + url.PathEscape(id) + "/providers/osfstorage/"
}

const osfExample = `{"data":{"id":"abc12","attributes":{"public":false}}}`

func (v *osf) node(id string, d *description) map[string]any {
	p := d.Manifest.Paper
	attributes := map[string]any{
		"title": p.Title, "category": "project", "description": d.Description() + "\n\nLicence: " + p.Licence,
		"tags": append([]string{d.Mark}, p.Keywords...),
	}
	data := map[string]any{"type": "nodes", "attributes": attributes}
	if id == "" {
		attributes["public"] = false
	} else {
		data["id"] = id
	}
	return map[string]any{"data": data}
}

func (v *osf) find(ctx context.Context, d *description) ([]record, error) {
	var answer struct {
		Data []osfNode `json:"data"`
	}
	err := v.repeat(ctx, request{method: "GET", path: "/v2/users/me/nodes/?" + url.Values{"filter[tags]": {d.Mark}}.Encode(), example: `{"data":[]}`}, &answer)
	var all []record
	for _, n := range answer.Data {
		r := n.record()
		if n.Attributes.Public {
			r.State = Published
		}
		all = append(all, r)
	}
	return all, err
}

func (v *osf) create(ctx context.Context, d *description) (record, error) {
	var answer struct{ Data osfNode }
	err := v.once(ctx, request{method: "POST", path: "/v2/nodes/", json: v.node("", d), kind: "application/vnd.api+json", example: osfExample}, &answer)
	return answer.Data.record(), err
}

func (v *osf) version(context.Context, string, *description) (record, error) {
	return record{}, ErrOptions
}

// look takes a project for published when everybody sees it and its DOI is made.
func (v *osf) look(ctx context.Context, id string) (record, error) {
	var answer struct{ Data osfNode }
	if err := v.repeat(ctx, request{method: "GET", path: "/v2/nodes/" + url.PathEscape(id) + "/", example: osfExample}, &answer); err != nil {
		return record{}, err
	}
	r := answer.Data.record()
	if !answer.Data.Attributes.Public {
		return r, nil
	}
	var ids struct{ Data []any }
	err := v.repeat(ctx, request{method: "GET", path: "/v2/nodes/" + url.PathEscape(id) + "/identifiers/"}, &ids)
	if len(ids.Data) > 0 {
		r.State = Published
	}
	return r, err
}

func (v *osf) describe(ctx context.Context, r record, d *description) error {
	return v.repeat(ctx, request{method: "PATCH", path: "/v2/nodes/" + url.PathEscape(r.ID) + "/", json: v.node(r.ID, d), kind: "application/vnd.api+json", example: osfExample}, nil)
}

// reserve has nothing to do: the DOI follows from the id.
func (v *osf) reserve(_ context.Context, r record) (string, error) { return r.DOI, nil }

func (v *osf) files(ctx context.Context, r record) ([]stored, error) {
	var all []stored
	next := "/v2/nodes/" + url.PathEscape(r.ID) + "/files/osfstorage/?page%5Bsize%5D=100"
	for pages := 0; next != "" && pages < 100; pages++ {
		var answer struct {
			Data []struct {
				Attributes struct {
					Name  string `json:"name"`
					Path  string `json:"path"`
					Kind  string `json:"kind"`
					Size  int64  `json:"size"`
					Extra struct {
						Hashes struct {
							SHA256 string `json:"sha256"`
						} `json:"hashes"`
					} `json:"extra"`
				} `json:"attributes"`
			} `json:"data"`
			Links struct {
				Next string `json:"next"`
			} `json:"links"`
		}
		if err := v.repeat(ctx, request{method: "GET", path: next, example: `{"data":[]}`}, &answer); err != nil {
			return nil, err
		}
		for _, e := range answer.Data {
			a := e.Attributes
			all = append(all, stored{Name: a.Name, Size: a.Size, Algorithm: "sha256", Checksum: a.Extra.Hashes.SHA256, Whole: a.Kind == "file", id: a.Path})
		}
		if next = answer.Links.Next; next != "" && !strings.HasPrefix(next, v.base+"/") {
			return nil, &formError{fmt.Sprintf("leads to %.200q for more files", next)}
		}
	}
	return all, nil
}

func (v *osf) upload(ctx context.Context, r record, f *file) error {
	sending, cancel := context.WithCancel(ctx)
	defer cancel()
	path := v.storage(r.ID) + "?" + url.Values{"kind": {"file"}, "name": {f.Name}}.Encode()
	return v.once(sending, request{method: "PUT", path: path, body: func() io.Reader { return f.body(cancel) }, size: f.Size, kind: "application/octet-stream"}, nil)
}

func (v *osf) remove(ctx context.Context, r record, f stored) error {
	return v.repeat(ctx, request{method: "DELETE", path: v.storage(r.ID) + url.PathEscape(strings.Trim(f.id, "/"))}, nil)
}

func (v *osf) settle(context.Context, record, *description) error { return nil }

// publish lets everybody see the project, and has its DOI made.
func (v *osf) publish(ctx context.Context, r record, _ *description) error {
	public := map[string]any{"data": map[string]any{"type": "nodes", "id": r.ID, "attributes": map[string]any{"public": true}}}
	if err := v.once(ctx, request{method: "PATCH", path: "/v2/nodes/" + url.PathEscape(r.ID) + "/", json: public, kind: "application/vnd.api+json"}, nil); err != nil {
		return err
	}
	doi := map[string]any{"data": map[string]any{"type": "identifiers", "attributes": map[string]any{"category": "doi"}}}
	return v.once(ctx, request{method: "POST", path: "/v2/nodes/" + url.PathEscape(r.ID) + "/identifiers/", json: doi, kind: "application/vnd.api+json"}, nil)
}
