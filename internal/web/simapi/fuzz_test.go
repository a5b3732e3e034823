package simapi

import (
	"encoding/json"
	"net/http"
	"testing"
)

// Given any body, when it is posted anywhere, then the answer is one that the document
// knows, a refusal is a problem with a sentence, and the world can still be asked for.
func FuzzBodies(f *testing.F) {
	for at, to := range routes {
		if to.method == http.MethodPost {
			f.Add(uint8(at), []byte(`{"channel":"papers","as":"ann","content":"hello","message":"1","custom_id":"x","guild":"Café"}`))
		}
	}
	for _, body := range []string{
		``, `null`, `[]`, `7`, `{`, `{"as":{}}`, `{"as":null,"content":null,"channel":null}`, `{"as":"ann","channel":"papers","content":"hi","reply_to":-1}`,
		`{"fault":"close","code":1e99}`, `{"fault":"latency","for":1e300}`, `{"fault":"latency","delay":"-5s"}`, `{"fault":"half-open","shard":-1,"probability":-1}`,
		`{"options":{"a":[[[{}]]],"b":{"filename":"x","data":"!"}},"channel":"papers","as":"ann","command":"x"}`,
		`{"guild":"Café","name":"\u0000"}`, `{"guild":"Café","name":"@everyone"}`, `{"message":"99999999999999999999","as":"ann","emoji":"👍"}`,
	} {
		f.Add(uint8(5), []byte(body))
	}
	var post []route
	for _, to := range routes {
		if to.method == http.MethodPost && to.path != "/sim/complete" { // which waits
			post = append(post, to)
		}
	}
	f.Fuzz(func(t *testing.T, at uint8, body []byte) {
		h := newHarness(t)
		to := post[int(at)%len(post)]
		a := h.ask(to.method, to.path, string(body))
		switch a.status {
		case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge:
			h.refused(a, a.status, "")
		default:
			t.Fatalf("%s %q: %d %s", to.path, body, a.status, a.body)
		}
		if a.status != http.StatusNoContent && !json.Valid(a.body) {
			t.Errorf("%q is no JSON", a.body)
		}
		h.get("/sim/world", nil)
	})
}
