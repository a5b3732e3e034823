package discordsim

import (
	"encoding/json"
	"testing"
)

// Whatever a client sends, what is read as a heartbeat without the JSON decoder is
// one for the decoder too, with the same number.
//
// Statements: S-037.
func FuzzPlainBeat(f *testing.F) {
	for _, seed := range []string{
		`{"op":1,"d":251}`, `{"op":1,"d":null}`, `{"op":1,"d":0}`, `{"op":1,"d":007}`, `{"op":1,"d":-1}`, `{"op":1,"d":}`, `{"op":1,"d":1}}`, `{"op":1,"d":9999999999999999999}`,
		`{"op":1,"d":1,"op":2}`, `{"op":1,"d": 1}`, `{"d":1,"op":1}`, `{"op":1,"d":1e3}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, is := plainBeat(raw)
		if !is {
			return
		}
		var p struct {
			Op *int            `json:"op"`
			D  json.RawMessage `json:"d"`
		}
		if err := json.Unmarshal(raw, &p); err != nil || p.Op == nil || *p.Op != opHeartbeat || string(p.D) != string(d) {
			t.Fatalf("%q was taken for a heartbeat with %q (%v)", raw, d, err)
		}
		if isNull(d) {
			return
		}
		var want int64
		if err := json.Unmarshal(d, &want); err != nil {
			t.Fatalf("%q is no number: %v", d, err)
		}
		if got, err := sequence(d); err != nil || got != want {
			t.Fatalf("%q was read as %d, %v", d, got, err)
		}
	})
}
