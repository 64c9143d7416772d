package pages

import (
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"repro/gateway/access"
	"repro/gateway/upload"
)

// operation says what a route does, for programs and whoever writes them.
type operation struct {
	Summary string
	Form    string // fields of the form that it takes, by blanks; those with ? may be missing
	Body    any    // a value of the type of the JSON document that it takes; or bytes
	Status  int    // when all goes well; 0: 200
	Answer  any    // a value of the type of the JSON document that it sends; or a media type; nil: a page
}

// bytesType is what is sent as it is.
const bytesType = "application/octet-stream"

const subPath = "/v/{venue}/submissions/{submission}"

// operations are all routes that are not mere pages. A test holds them against
// the table of access, and that against what is served.
var operations = map[string]operation{
	"GET /api/openapi.json":                            {Summary: "This document", Answer: map[string]any{}},
	"GET /api/venues":                                  {Summary: "Venues in which you have a role", Answer: []venueJSON{}},
	"GET /api/v/{venue}/submissions":                   {Summary: "Submissions to a venue that you may see, the newest first, 50 at once, from the query's from on", Answer: submissionsJSON{}},
	"GET /api" + subPath:                               {Summary: "A submission, with what repro verify --json says of it", Answer: submissionJSON{}},
	"GET /api" + subPath + "/runs":                     {Summary: "Runs of a submission, the newest first", Answer: []runJSON{}},
	"GET /api" + subPath + "/attestations":             {Summary: "What is attested of a submission", Answer: []attestationJSON{}},
	"GET /api" + subPath + "/comments":                 {Summary: "What was said about a submission", Answer: []commentJSON{}},
	"GET /healthz":                                     {Summary: "Whether the gateway works", Answer: "text/plain"},
	"GET /metrics":                                     {Summary: "Counts of requests and of what the database holds, in Prometheus's text format", Answer: "text/plain"},
	"GET /audit":                                       {Summary: "The audit log, one JSON object a line, and last the hash that it leads to", Answer: "application/x-ndjson"},
	"POST /venues":                                     {Summary: "Add a venue", Form: "id name quota", Status: 303},
	"GET /v/{venue}/uploads":                           {Summary: "Your uploads that have not ended", Answer: []upload.State{}},
	"POST /v/{venue}/uploads":                          {Summary: "Begin an upload", Body: upload.State{}, Status: 201, Answer: upload.State{}},
	"GET /v/{venue}/uploads/{upload}":                  {Summary: "How far an upload is", Answer: upload.State{}},
	"PUT /v/{venue}/uploads/{upload}":                  {Summary: "Send bytes of an image, from the query's offset on", Body: bytesType, Answer: upload.State{}},
	"DELETE /v/{venue}/uploads/{upload}":               {Summary: "Cancel an upload", Status: 204},
	"POST /v/{venue}/uploads/{upload}/finish":          {Summary: "Verify an upload that is whole, and make a submission of it", Status: 201, Answer: upload.Submitted{}},
	"GET " + subPath + "/image":                        {Summary: "The image, byte for byte", Answer: bytesType},
	"GET " + subPath + "/files/{path...}":              {Summary: "A file of the image; with the query's download as it is, with layer=published of the published results", Answer: bytesType},
	"POST " + subPath + "/runs":                        {Summary: "Run it again", Form: "kind step?", Status: 303},
	"GET " + subPath + "/runs/{run}/events":            {Summary: "What becomes of a run, as it becomes", Answer: "text/event-stream"},
	"POST " + subPath + "/runs/{run}/cancel":           {Summary: "Cancel a run", Status: 303},
	"GET " + subPath + "/runs/{run}/live":              {Summary: "What the steps printed", Answer: bytesType},
	"GET " + subPath + "/runs/{run}/spread":            {Summary: "The spread document that a calibration measured", Answer: bytesType},
	"GET " + subPath + "/runs/{run}/record.tar":        {Summary: "All that a run left, for repro report and repro attest", Answer: bytesType},
	"GET " + subPath + "/runs/{run}/record/{path...}":  {Summary: "A file that a run left; with the query's download as it is: report.json is the report of repro run --json", Answer: bytesType},
	"POST " + subPath + "/reviews":                     {Summary: "Attach an attestation: the parts bundle and perhaps key of multipart/form-data", Body: "multipart/form-data", Status: 303},
	"GET " + subPath + "/reviews/{review}":             {Summary: "An attestation, as it was attached", Answer: bytesType},
	"POST " + subPath + "/reviews/by-venue":            {Summary: "Let the venue sign what you say", Form: "kind words conflicts", Status: 303},
	"POST " + subPath + "/decision":                    {Summary: "Decide about a submission", Form: "outcome words?", Status: 303},
	"GET " + subPath + "/forms/{name}":                 {Summary: "codecheck.yml, aea.md or acm.md, filled in", Answer: bytesType},
	"POST " + subPath + "/archive":                     {Summary: "The deposit around the image, a zip archive", Answer: bytesType},
	"POST " + subPath + "/discussion":                  {Summary: "Say something about a submission, a result, a step or a line of a file", Form: "words about? subject? line? internal?", Status: 303},
	"POST " + subPath + "/discussion/{comment}/remove": {Summary: "Remove a comment", Status: 303},
	"POST " + subPath + "/names":                       {Summary: "List names and files that say whose work it is", Form: "names? files?", Status: 303},
	"POST /v/{venue}/blind":                            {Summary: "Say how blind a venue is", Form: "blind", Status: 303},
	"POST /v/{venue}/keys":                             {Summary: "Trust a public key", Form: "name material", Status: 303},
	"POST /v/{venue}/keys/remove":                      {Summary: "Trust a key no longer", Form: "fingerprint", Status: 303},
	"POST /v/{venue}/links/{link}/revoke":              {Summary: "Revoke a link", Status: 303},
	"POST /tokens/{token}/revoke":                      {Summary: "Revoke one of your tokens", Status: 303},
}

func (p *Pages) openAPI(w http.ResponseWriter, _ *http.Request, _ access.Visit) error {
	return answer(w, openAPI(p.origin))
}

// object is a JSON object.
type object = map[string]any

// openAPI describes the routes for programs (OpenAPI 3.1).
func openAPI(origin string) object {
	paths := object{}
	for _, rule := range access.Rules() {
		op, ok := operations[rule.Pattern]
		if !ok {
			continue
		}
		method, pattern, _ := strings.Cut(rule.Pattern, " ")
		at := strings.ReplaceAll(pattern, "...}", "}")
		if paths[at] == nil {
			paths[at] = object{}
		}
		paths[at].(object)[strings.ToLower(method)] = op.describe(rule, pattern)
	}
	return object{
		"openapi": "3.1.0",
		"info":    object{"title": "repro-gateway", "version": "1", "description": "Errors are one line of text with a status from 400 on. SPEC.md, part GTW, has the rules."},
		"servers": []any{object{"url": origin}},
		"paths":   paths,
		"components": object{"securitySchemes": object{
			"token": object{"type": "http", "scheme": "bearer", "description": "a token from /tokens, or the secret of a link"},
		}},
	}
}

var wildcards = regexp.MustCompile(`\{(\w+)(\.\.\.)?\}`)

func (o operation) describe(rule access.Rule, pattern string) object {
	status := "200"
	if o.Status != 0 {
		status = map[int]string{201: "201", 204: "204", 303: "303"}[o.Status]
	}
	done := object{"description": "done"}
	if o.Answer != nil {
		done["content"] = contentOf(o.Answer)
	}
	out := object{
		"summary": o.Summary, "operationId": strings.Trim(regexp.MustCompile(`[^a-zA-Z]+`).ReplaceAllString(rule.Pattern, "-"), "-"),
		"description": mayUse(rule),
		"responses":   object{status: done, "default": object{"description": "why not", "content": contentOf("text/plain")}},
	}
	var parameters []any
	for _, m := range wildcards.FindAllStringSubmatch(pattern, -1) {
		parameters = append(parameters, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	if parameters != nil {
		out["parameters"] = parameters
	}
	if body := o.body(); body != nil {
		out["requestBody"] = object{"required": true, "content": body}
	}
	if !rule.Public {
		out["security"] = []any{object{"token": []any{}}}
	}
	return out
}

func (o operation) body() object {
	if o.Body != nil {
		return contentOf(o.Body)
	}
	if o.Form == "" {
		return nil
	}
	fields, required := object{}, []string{}
	for _, f := range strings.Fields(o.Form) {
		name, optional := strings.CutSuffix(f, "?")
		fields[name] = object{"type": "string"}
		if !optional {
			required = append(required, name)
		}
	}
	return object{"application/x-www-form-urlencoded": object{"schema": object{"type": "object", "properties": fields, "required": required}}}
}

// mayUse says who may.
func mayUse(rule access.Rule) string {
	switch {
	case rule.Public:
		return "For everybody."
	case rule.Session:
		return "For whoever has a role anywhere."
	}
	var who []string
	for _, r := range rule.Roles {
		who = append(who, string(r))
	}
	for _, r := range rule.Own {
		who = append(who, string(r)+", of what they sent themselves")
	}
	return "For: " + strings.Join(who, "; ") + "."
}

func contentOf(v any) object {
	switch kind, isText := v.(string); {
	case isText && kind == "multipart/form-data":
		return object{kind: object{"schema": object{"type": "object"}}}
	case isText:
		return object{kind: object{"schema": object{"type": "string"}}}
	}
	return object{"application/json": object{"schema": schemaOf(reflect.TypeOf(v), nil)}}
}

// schemaOf is the JSON Schema of what encoding/json makes of a type. A type
// within itself is any value there.
func schemaOf(t reflect.Type, within []reflect.Type) object {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if slices.Contains(within, t) {
		return object{}
	}
	within = append(slices.Clone(within), t)
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t.Implements(reflect.TypeFor[interface{ MarshalJSON() ([]byte, error) }]()):
		return object{}
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice:
		return object{"type": "array", "items": schemaOf(t.Elem(), within)}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": schemaOf(t.Elem(), within)}
	case reflect.Struct:
		return structSchema(t, within)
	}
	return object{}
}

func structSchema(t reflect.Type, within []reflect.Type) object {
	properties, required := object{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case f.Anonymous && name == "":
			inner := schemaOf(f.Type, within)
			maps.Copy(properties, inner["properties"].(object))
			required = append(required, inner["required"].([]string)...)
		default:
			if name == "" {
				name = f.Name
			}
			properties[name] = schemaOf(f.Type, within)
			if !strings.Contains(options, "omit") {
				required = append(required, name)
			}
		}
	}
	return object{"type": "object", "properties": properties, "required": required}
}
