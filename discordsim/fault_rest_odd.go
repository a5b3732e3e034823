package discordsim

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"time"
)

// oddLimit answers 429 as a proxy or load balancer does that is not Discord's.
func oddLimit(f Fault) responder {
	return func(_ *restAPI, c *restRequest) restResponse {
		a := restResponse{status: http.StatusTooManyRequests, bare: true, header: http.Header{"Content-Type": {"text/plain"}}, text: "slow down"}
		switch f.Text {
		case "":
		case "date":
			a.header.Set("Retry-After", c.now.Add(f.delayOr(time.Minute)).UTC().Format(http.TimeFormat))
		default:
			a.header.Set("Retry-After", f.Text)
		}
		return a
	}
}

// leadOn answers with a redirect to the same address, so that a client which follows
// never arrives.
func leadOn(status int) responder {
	return func(_ *restAPI, c *restRequest) restResponse {
		return restResponse{status: status, bare: true, header: http.Header{"Location": {c.req.URL.RequestURI()}}, text: "elsewhere"}
	}
}

// endlessPiece is how much of an endless answer is written at once.
const endlessPiece = 64 << 10

// endlessResponse writes an answer until the client goes away.
func endlessResponse(r *restAPI, w http.ResponseWriter, req *http.Request, a restResponse, f Fault) bool {
	if f.Text == "header" {
		r.endlessHeader(w, req)
	}
	h := w.Header()
	for k, v := range a.header {
		h[k] = v
	}
	h.Set("Content-Type", "application/json")
	piece := bytes.Repeat([]byte("[{}],"), endlessPiece/5)
	if f.Text == "gzip" {
		h.Set("Content-Encoding", "gzip")
		piece = zippedBlanks()
	}
	w.WriteHeader(a.status)
	if f.Text != "gzip" {
		push(w, []byte(`{"id":"1","more":[`))
	}
	r.writeUntilGone(req, func() error {
		if _, err := w.Write(piece); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	})
	panic(http.ErrAbortHandler)
}

// endlessHeader writes the header of an answer until the client goes away. It does not
// return: it panics with http.ErrAbortHandler.
func (r *restAPI) endlessHeader(w http.ResponseWriter, req *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		defer func() { _ = conn.Close() }()
		line := []byte("X-Filler: " + strings.Repeat("x", 1000) + "\r\n")
		_, err = conn.Write([]byte("HTTP/1.1 200 OK\r\n"))
		if err == nil {
			r.writeUntilGone(req, func() error {
				_, err := conn.Write(line)
				return err
			})
		}
	}
	panic(http.ErrAbortHandler)
}

// endlessPause is the time between two writes: the network holds what is under way.
const endlessPause = time.Millisecond

// writeUntilGone repeats write until it fails, the client has gone or the simulator is
// closed.
func (r *restAPI) writeUntilGone(req *http.Request, write func() error) {
	for write() == nil && r.wait(req.Context(), endlessPause) {
	}
}

// zippedBlanks is a gzip member that unpacks to 16 MiB of blanks; members may follow
// one another without end.
func zippedBlanks() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	blanks := bytes.Repeat([]byte(" "), endlessPiece)
	for range (16 << 20) / endlessPiece {
		_, _ = z.Write(blanks)
	}
	_ = z.Close()
	return b.Bytes()
}
