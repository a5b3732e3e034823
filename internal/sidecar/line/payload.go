package line

import (
	"encoding/json"
	"errors"
	"strconv"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// payload is what a client has sent.
type payload struct {
	op int
	d  json.RawMessage // nil when absent
}

// errNotPayload names no part of the message: it may hold a token.
var errNotPayload = errors.New("not valid JSON with an opcode")

// parsePayload reads the outside of a payload. All of it must be valid JSON in valid UTF-8
// without duplicate names and without half surrogate pairs: what is passed on upstream must
// not cost the upstream connection.
func parsePayload(message []byte) (payload, error) {
	var outside struct {
		Op *int           `json:"op"`
		D  jsontext.Value `json:"d"`
	}
	if err := jsonv2.Unmarshal(message, &outside); err != nil || outside.Op == nil {
		return payload{}, errNotPayload
	}
	return payload{op: *outside.Op, d: json.RawMessage(outside.D)}, nil
}

// sequenceOf reads d of a heartbeat. Anything but a positive integer is 0.
func sequenceOf(d json.RawMessage) int64 {
	n, err := strconv.ParseInt(string(d), 10, 64)
	if err != nil {
		return 0
	}
	return max(0, n)
}

// Payloads that have no content of their own.
var (
	null                    = []byte("null")
	ackPayload              = []byte(`{"t":null,"s":null,"op":11,"d":null}`)
	invalidSession          = []byte(`{"t":null,"s":null,"op":9,"d":false}`)
	invalidSessionResumable = []byte(`{"t":null,"s":null,"op":9,"d":true}`)
)

// helloPayload builds op 10.
func helloPayload(intervalMilliseconds int64) []byte {
	p := append([]byte(nil), `{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":`...)
	p = strconv.AppendInt(p, intervalMilliseconds, 10)
	return append(p, `,"_trace":["evergreen"]}}`...)
}

// appendDispatchHead appends a dispatch as far as its d; a closing brace follows that.
func appendDispatchHead(dst []byte, event string, seq int64) []byte {
	dst = append(dst, `{"t":`...)
	if quoted, err := jsontext.AppendQuote(dst, event); err == nil {
		dst = quoted
	} else {
		dst = append(dst, `""`...)
	}
	dst = append(dst, `,"s":`...)
	dst = strconv.AppendInt(dst, seq, 10)
	return append(dst, `,"op":0,"d":`...)
}
