package pages

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"repro/gateway/access"
)

// pagesOnly are routes that are for people in browsers alone: pages, and what
// belongs to sessions.
var pagesOnly = []string{
	"GET /style.css", "GET /script.js", "GET /icon.svg", "GET /{$}", "GET /join", "POST /join", "POST /sign-in/{provider}", "GET /sign-in/{provider}/return", "POST /leave",
	"GET /tokens", "POST /tokens", "GET /v/{venue}", "GET /v/{venue}/people", "POST /v/{venue}/links", "GET /v/{venue}/keys", "POST /v/{venue}/submissions",
	"GET /v/{venue}/submissions/{submission}", "GET /v/{venue}/submissions/{submission}/software", "GET /v/{venue}/submissions/{submission}/names",
	"GET /v/{venue}/submissions/{submission}/reviews", "GET /v/{venue}/submissions/{submission}/discussion", "GET /v/{venue}/submissions/{submission}/runs/{run}",
}

// TestOpenAPI holds the document against the routes: each is in it, or named as
// a page, and it has none that is not there (GTW-12).
func TestOpenAPI(t *testing.T) {
	page, rules := map[string]bool{}, map[string]bool{}
	for _, p := range pagesOnly {
		page[p] = true
	}
	for _, r := range access.Rules() {
		rules[r.Pattern] = true
		_, documented := operations[r.Pattern]
		if documented == page[r.Pattern] {
			t.Errorf("%s: documented %v, and named as a page %v", r.Pattern, documented, page[r.Pattern])
		}
	}
	for pattern := range operations {
		if !rules[pattern] {
			t.Errorf("%s: is documented and not there", pattern)
		}
	}
	for pattern := range page {
		if !rules[pattern] {
			t.Errorf("%s: is named as a page and not there", pattern)
		}
	}
}

func TestOpenAPIDocument(t *testing.T) {
	b, err := json.Marshal(openAPI("https://g.example"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Parameters  []struct{ Name string }
			Security    []any
			RequestBody struct {
				Content map[string]struct {
					Schema struct{ Required []string }
				}
			}
			Responses map[string]struct {
				Content map[string]struct {
					Schema struct{ Properties map[string]any }
				}
			}
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for at, methods := range doc.Paths {
		for method, op := range methods {
			if ids[op.OperationID] {
				t.Errorf("%s %s: the id %s is there twice", method, at, op.OperationID)
			}
			ids[op.OperationID] = true
			if len(op.Parameters) != strings.Count(at, "{") || len(op.Responses) != 2 {
				t.Errorf("%s %s: %d parameters, %d answers", method, at, len(op.Parameters), len(op.Responses))
			}
			if public := at == "/healthz" || at == "/api/openapi.json"; public != (len(op.Security) == 0) {
				t.Errorf("%s %s: security %v", method, at, op.Security)
			}
		}
	}
	one := doc.Paths["/api/v/{venue}/submissions/{submission}"]["get"].Responses["200"].Content["application/json"].Schema.Properties
	if one["contentId"] == nil || one["report"].(map[string]any)["properties"].(map[string]any)["signatures"] == nil {
		t.Errorf("a submission: %v", one)
	}
	form := doc.Paths["/v/{venue}/submissions/{submission}/decision"]["post"].RequestBody.Content["application/x-www-form-urlencoded"].Schema
	if len(form.Required) != 1 || form.Required[0] != "outcome" {
		t.Errorf("a decision needs %q", form.Required)
	}
}

func TestSchemaOf(t *testing.T) {
	type inner struct {
		A string `json:"a"`
	}
	type self struct {
		inner
		B    []int          `json:"b,omitempty"`
		C    *self          `json:"c,omitempty"`
		D    map[string]any `json:"d"`
		E    time.Time      `json:"e"`
		F    bool
		Skip string `json:"-"`
		own  int
	}
	want := object{"type": "object", "required": []string{"a", "d", "e", "F"}, "properties": object{
		"a": object{"type": "string"}, "b": object{"type": "array", "items": object{"type": "integer"}}, "c": object{},
		"d": object{"type": "object", "additionalProperties": object{}}, "e": object{"type": "string", "format": "date-time"}, "F": object{"type": "boolean"},
	}}
	got := schemaOf(reflect.TypeOf(self{own: 1}), nil)
	// what is embedded without being exported is encoded all the same
	if !reflect.DeepEqual(got["properties"].(object)["b"], want["properties"].(object)["b"]) || !reflect.DeepEqual(got["properties"].(object)["e"], want["properties"].(object)["e"]) ||
		!reflect.DeepEqual(got["properties"].(object)["c"], object{}) || got["properties"].(object)["Skip"] != nil || got["properties"].(object)["own"] != nil {
		t.Errorf("%v", got)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
