// Package contract is for tests: an OpenAPI document, and what a server answers held
// against it.
package contract

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// Contract is the document that answers are held against.
type Contract struct {
	Doc    *openapi3.T
	router routers.Router
}

// Read reads a document, which has to be valid and to name one server, as seen from where it is.
func Read(t *testing.T, document []byte, server string) Contract {
	t.Helper()
	for _, kind := range []string{"image/svg+xml", "text/event-stream"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.PlainBodyDecoder)
	}
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
	// The server is where the document is, which this router does not resolve.
	if len(doc.Servers) != 1 || doc.Servers[0].URL != server {
		t.Errorf("the servers are not %s: %v", server, doc.Servers)
	}
	doc.Servers = nil
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return Contract{doc, router}
}

// Holds fails unless an answer is as the document says.
func (c Contract) Holds(t *testing.T, method, path string, status int, header http.Header, body string) {
	t.Helper()
	at, err := url.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	request := &http.Request{Method: method, URL: at, Header: http.Header{}}
	route, params, err := c.router.FindRoute(request)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return
	}
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, Route: route, PathParams: params},
		Status:                 status, Header: header, Body: io.NopCloser(strings.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
	if err != nil {
		t.Errorf("%s %s: %d %s\nis not as openapi.json says: %v", method, path, status, body, err)
	}
}

// Fits fails unless data is as a schema of the document says.
func (c Contract) Fits(t *testing.T, schema string, data []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	ref := c.Doc.Components.Schemas[schema]
	if ref == nil {
		t.Fatalf("openapi.json has no %s", schema)
	}
	if err := ref.Value.VisitJSON(v, openapi3.MultiErrors(), openapi3.VisitAsResponse()); err != nil {
		t.Errorf("%s %s\nis not as openapi.json says: %v", schema, data, err)
	}
}
