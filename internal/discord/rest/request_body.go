package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// requestBody is the body of a request, kept so that it can be sent again.
type requestBody struct {
	kept   []byte
	length int64
	// again makes the body of another attempt; nil when there is only the one.
	again func() (io.ReadCloser, error)
	once  io.ReadCloser // the rest of a body too large to keep
	large bool          // too large to keep
}

// readRequestBody reads up to limit bytes of the body of the request. It closes the
// body unless next still reads from it.
func readRequestBody(req *http.Request, limit int64) (requestBody, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return requestBody{again: func() (io.ReadCloser, error) { return http.NoBody, nil }}, nil
	}
	kept, err := io.ReadAll(io.LimitReader(req.Body, limit+1))
	if err != nil {
		return requestBody{}, errors.Join(err, req.Body.Close())
	}
	p := requestBody{kept: kept, length: int64(len(kept))}
	switch {
	case p.length <= limit:
		p.again = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(kept)), nil }
	case req.GetBody != nil:
		p.kept, p.length, p.again, p.large = nil, req.ContentLength, req.GetBody, true
	default:
		p.kept, p.length, p.large = nil, req.ContentLength, true
		p.once = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(kept), req.Body), req.Body}
		return p, nil
	}
	return p, req.Body.Close()
}

// replayable reports whether the body can be sent again.
func (p requestBody) replayable() bool { return p.again != nil }

// next returns the body of the next attempt.
func (p requestBody) next() (io.ReadCloser, error) {
	if p.again != nil {
		return p.again()
	}
	return p.once, nil
}

// close closes a body that was never sent.
func (p requestBody) close() {
	if p.once != nil {
		_ = p.once.Close()
	}
}

// looksLikeJSON reports whether the body is an object or a list.
func (p requestBody) looksLikeJSON() bool {
	text := bytes.TrimLeft(p.kept, " \t\r\n")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// nonce reports whether the body makes Discord create a message only once
// (G-137).
func (p requestBody) nonce() bool {
	var fields struct {
		Nonce   json.RawMessage `json:"nonce"`
		Enforce bool            `json:"enforce_nonce"`
	}
	_ = json.Unmarshal(p.kept, &fields)
	if !fields.Enforce {
		return false
	}
	switch string(fields.Nonce) {
	case "", "null", `""`:
		return false
	}
	return true
}
