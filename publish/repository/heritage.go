package repository

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// heritageTarget is Software Heritage. It keeps source code, by agreement with the
// client whose collection it is, and gives no DOI but an identifier of the content.
var heritageTarget = &Target{
	Name: "software-heritage", Title: "Software Heritage", Server: "https://deposit.softwareheritage.org", Variable: "SWH_TOKEN",
	Collection: "collection", InOne: true,
	authorize: func(token string) (string, string) {
		return "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(token)) // USER:PASSWORD
	},
	begin: func(c *client) service { return &heritage{client: c} },
}

// heritage is SWORD 2 as swh-deposit speaks it. A request without In-Progress: true
// is the last one of a deposit: only publish may send one. An id here is
// COLLECTION/NUMBER.
type heritage struct {
	*client
	sent []stored // by this run: the server compares a checksum, and states none
}

// heritageEntry is a receipt, a state, or one of a list.
type heritageEntry struct {
	DepositID  string `xml:"https://www.softwareheritage.org/schema/2018/deposit deposit_id"`
	ID         string `xml:"https://www.softwareheritage.org/schema/2018/deposit id"`
	Status     string `xml:"https://www.softwareheritage.org/schema/2018/deposit deposit_status"`
	ListStatus string `xml:"https://www.softwareheritage.org/schema/2018/deposit status"`
	External   string `xml:"https://www.softwareheritage.org/schema/2018/deposit external_id"`
}

func (e *heritageEntry) record(collection string) record {
	id, status := e.DepositID, e.Status
	if id == "" {
		id, status = e.ID, e.ListStatus
	}
	state := Published // handed in for good
	if status == "partial" {
		state = Draft
	}
	return record{ID: collection + "/" + id, State: state}
}

const heritageExample = `<entry xmlns:sd="https://www.softwareheritage.org/schema/2018/deposit"><sd:deposit_id>1</sd:deposit_id><sd:deposit_status>partial</sd:deposit_status></entry>`

// ask sends a request whose answer is Atom.
func (v *heritage) ask(ctx context.Context, once bool, r request, out any) error {
	if r.header == nil {
		r.header = map[string]string{}
	}
	if r.header["In-Progress"] == "" {
		r.header["In-Progress"] = "true"
	}
	r.header["Accept"] = "*/*"
	var text string
	send := v.repeat
	if once {
		send = v.once
	}
	if err := send(ctx, r, &text); err != nil || out == nil || text == "" {
		return err
	}
	if err := xml.Unmarshal([]byte(text), out); err != nil {
		return &formError{fmt.Sprintf("answers with something else than the documented Atom: %v", err)}
	}
	return nil
}

func (v *heritage) find(ctx context.Context, d *description) ([]record, error) {
	var feed struct {
		Entries []heritageEntry `xml:"entry"`
	}
	err := v.ask(ctx, false, request{method: "GET", path: "/1/" + url.PathEscape(d.Collection) + "/?page_size=1000", example: `<feed></feed>`}, &feed)
	var all []record
	for _, e := range feed.Entries {
		if e.External == d.Mark {
			all = append(all, e.record(d.Collection))
		}
	}
	return all, err
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // into memory
	return b.String()
}

// entry is the metadata, in the words of CodeMeta.
func (v *heritage) entry(d *description) string {
	p := d.Manifest.Paper
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<entry xmlns="http://www.w3.org/2005/Atom" xmlns:codemeta="https://doi.org/10.5063/SCHEMA/CODEMETA-2.0">` + "\n")
	put := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  <%s>%s</%s>\n", name, escape(text), name)
		}
	}
	put("title", p.Title)
	put("codemeta:name", p.Title)
	put("codemeta:description", d.Description())
	put("codemeta:version", d.Date.Format("2006-01-02"))
	put("codemeta:datePublished", d.Date.Format("2006-01-02"))
	for _, a := range p.Authors {
		fmt.Fprintf(&b, "  <author><name>%s</name></author>\n  <codemeta:author><codemeta:name>%s</codemeta:name></codemeta:author>\n", escape(a.Name), escape(a.Name))
	}
	if address := licenceAddress(p.Licence); address != "" {
		fmt.Fprintf(&b, "  <codemeta:license><codemeta:name>%s</codemeta:name><codemeta:url>%s</codemeta:url></codemeta:license>\n", escape(p.Licence), escape(address))
	}
	put("codemeta:identifier", d.Mark)
	b.WriteString("</entry>\n")
	return b.String()
}

const atom = "application/atom+xml;type=entry"

func (v *heritage) create(ctx context.Context, d *description) (record, error) {
	var answer heritageEntry
	err := v.ask(ctx, true, request{method: "POST", path: "/1/" + url.PathEscape(d.Collection) + "/", text: v.entry(d), kind: atom, header: map[string]string{"Slug": d.Mark}, example: heritageExample}, &answer)
	r := answer.record(d.Collection)
	if err == nil && strings.HasSuffix(r.ID, "/") {
		err = &formError{"does not say which deposit it made"}
	}
	return r, err
}

func (v *heritage) version(context.Context, string, *description) (record, error) {
	return record{}, ErrOptions
}

func (v *heritage) look(ctx context.Context, id string) (record, error) {
	collection, _, _ := strings.Cut(id, "/")
	var answer heritageEntry
	err := v.ask(ctx, false, request{method: "GET", path: "/1/" + id + "/status/", example: heritageExample}, &answer)
	r := answer.record(collection)
	r.ID = id
	return r, err
}

// describe replaces the metadata.
func (v *heritage) describe(ctx context.Context, r record, d *description) error {
	return v.ask(ctx, false, request{method: "PUT", path: "/1/" + r.ID + "/atom/", text: v.entry(d), kind: atom}, nil)
}

// reserve has nothing to do: no DOI is given.
func (v *heritage) reserve(context.Context, record) (string, error) { return "", nil }

func (v *heritage) files(context.Context, record) ([]stored, error) { return v.sent, nil }

// upload replaces the archive. The server refuses one with another checksum.
func (v *heritage) upload(ctx context.Context, r record, f *file) error {
	sending, cancel := context.WithCancel(ctx)
	defer cancel()
	err := v.ask(sending, true, request{
		method: "PUT", path: "/1/" + r.ID + "/media/", body: func() io.Reader { return f.body(cancel) }, size: f.Size, kind: f.Kind,
		header: map[string]string{
			"Content-MD5": f.sums["md5"], "Content-Disposition": `attachment; filename="` + url.PathEscape(f.Name) + `"`,
			"Packaging": "http://purl.org/net/sword/package/SimpleZip",
		},
	}, nil)
	if err == nil && v.dry == nil {
		v.sent = []stored{{Name: f.Name, Size: f.Size, Algorithm: "md5", Checksum: f.sums["md5"], Whole: true, id: f.Name}}
	}
	return err
}

// remove has nothing to do: upload replaces.
func (v *heritage) remove(context.Context, record, stored) error { return nil }

func (v *heritage) settle(context.Context, record, *description) error { return nil }

// publish hands the deposit in.
func (v *heritage) publish(ctx context.Context, r record, _ *description) error {
	return v.ask(ctx, true, request{method: "POST", path: "/1/" + r.ID + "/metadata/", header: map[string]string{"In-Progress": "false"}}, nil)
}
