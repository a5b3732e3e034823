package gateway

import (
	"encoding/json"
	"testing"

	"evergreen/internal/bounds"
)

func TestScanEnvelope(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     envelope
		bad      bool
	}{
		{name: "dispatch as Discord sends it", in: `{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{"id":"1"}}`,
			want: envelope{op: 0, seq: 42, typ: []byte("MESSAGE_CREATE"), d: []byte(`{"id":"1"}`)}},
		{name: "d first", in: `{"d":[1,{"x":"}]\""}],"op":9}`, want: envelope{op: 9, d: []byte(`[1,{"x":"}]\""}]`)}},
		{name: "nulls", in: ` { "op" : 11 , "s":null,"t":null,"d":null } `, want: envelope{op: 11, d: []byte("null")}},
		{name: "unknown keys", in: `{"x":{"op":3},"op":7,"y":[]}`, want: envelope{op: 7}},
		{name: "mistyped op", in: `{"op":"0","s":"5","t":6}`, want: envelope{op: -1}},
		{name: "fractional seq", in: `{"op":0,"s":1.5}`, want: envelope{op: 0}},
		{name: "negative seq", in: `{"op":0,"s":-5}`, want: envelope{op: 0}},
		{name: "absurd op", in: `{"op":99999999999999999999}`, want: envelope{op: -1}},
		{name: "empty object", in: `{}`, want: envelope{op: -1}},
		{name: "invalid UTF-8 inside d", in: "{\"op\":0,\"d\":\"\xff\xfe\"}", want: envelope{op: 0, d: []byte("\"\xff\xfe\"")}},
		{name: "white space everywhere", in: "\r\n{\t\"op\" :\n0 ,\r\"s\":\t7\n,\"d\":[ 1 ,\n2 ]\r}\t\n", want: envelope{op: 0, seq: 7, d: []byte("[ 1 ,\n2 ]")}},
		{name: "escapes before the end of a string", in: `{"d":"\\\\","op":3,"t":"\\\""}`, want: envelope{op: 3, d: []byte(`"\\\\"`), typ: []byte(`\\\"`)}},
		{name: "brackets in strings and keys", in: `{"d":{"]":"}","a":["{"]},"op":3}`, want: envelope{op: 3, d: []byte(`{"]":"}","a":["{"]}`)}},
		{name: "literals and numbers", in: `{"a":true,"b":false,"c":-1.5E+9,"op":3,"d":12}`, want: envelope{op: 3, d: []byte("12")}},
		{name: "the last of several", in: `{"op":1,"s":2,"t":"A","op":3,"s":4,"t":"B"}`, want: envelope{op: 3, seq: 4, typ: []byte("B")}},
		{name: "the largest numbers", in: `{"op":2147483647,"s":999999999999}`, want: envelope{op: 2147483647, seq: 999999999999}},
		{name: "larger numbers", in: `{"op":2147483648,"s":9999999999999999999}`, want: envelope{op: -1}},
		{name: "numbers just beyond the bounds", in: `{"op":0,"s":9007199254740992}`, want: envelope{op: 0}},
		{name: "numbers that come round to small ones", in: `{"op":18446744073709551616,"s":18446744073709551621}`, want: envelope{op: -1}},
		{name: "mistyped ones after good ones", in: `{"op":3,"s":4,"op":"x","s":"x"}`, want: envelope{op: 3, seq: 4}},
		{name: "negative op", in: `{"op":-3}`, want: envelope{op: -1}},
		{name: "zero and empty", in: `{"op":0,"s":0,"t":""}`, want: envelope{op: 0, typ: []byte{}}},
		{name: "empty", in: ``, bad: true},
		{name: "only white space", in: " \n", bad: true},
		{name: "only the beginning", in: `{`, bad: true},
		{name: "cut in a key", in: `{"op`, bad: true},
		{name: "cut before the colon", in: `{"op"`, bad: true},
		{name: "cut before the value", in: `{"op":`, bad: true},
		{name: "cut in a number", in: `{"op":1`, bad: true},
		{name: "cut in a string", in: `{"d":"a`, bad: true},
		{name: "cut in an escape", in: `{"d":"a\"`, bad: true},
		{name: "cut in a string inside", in: `{"d":["a`, bad: true},
		{name: "cut behind a member", in: `{"op":1 `, bad: true},
		{name: "cut behind a comma", in: `{"op":1,`, bad: true},
		{name: "a comma too many", in: `{"op":1,}`, bad: true},
		{name: "no colon", in: `{"op" 1}`, bad: true},
		{name: "no comma", in: `{"op":1 "s":2}`, bad: true},
		{name: "no value", in: `{"op":}`, bad: true},
		{name: "no key", in: `{op:1}`, bad: true},
		{name: "half a key", in: `{op":1}`, bad: true},
		{name: "another sign for the colon", in: `{"op"=1}`, bad: true},
		{name: "another sign for the brace", in: `["op":1}`, bad: true},
		{name: "a string", in: `"op"`, bad: true},
		{name: "array", in: `[1]`, bad: true},
		{name: "cut short", in: `{"op":0,"d":{"a":`, bad: true},
		{name: "trailing text", in: `{"op":0} x`, bad: true},
		{name: "HTML", in: `<html>`, bad: true},
		{name: "literal", in: `{"op":nope}`, bad: true},
		{name: "a sign below the digits", in: `{"op":1/2}`, bad: true},
		{name: "a sign above the digits", in: `{"op":1:2}`, bad: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := scanEnvelope([]byte(c.in), nil)
			if (err != nil) != c.bad {
				t.Fatalf("error %v, want bad=%v", err, c.bad)
			}
			if c.bad {
				return
			}
			if got.op != c.want.op || got.seq != c.want.seq || string(got.typ) != string(c.want.typ) || string(got.d) != string(c.want.d) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// An event that is not wanted must not cost an allocation nor a look at d.
func TestScanSkipsUnwanted(t *testing.T) {
	payload := []byte(`{"t":"TYPING_START","s":42,"op":0,"d":{"never":"looked at`)
	skip := func(op Opcode, typ []byte) bool { return op == opDispatch && string(typ) == "TYPING_START" }
	env, err := scanEnvelope(payload, skip)
	if err != nil || env.seq != 42 {
		t.Fatalf("got %+v, %v", env, err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = scanEnvelope(payload, skip) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// Only when everything else is known is d passed over; else it might be wanted, and what
// follows it has to be read.
func TestScanSkipsOnlyWhatIsKnown(t *testing.T) {
	for in, skipped := range map[string]bool{
		`{"op":0,"s":1,"t":"A","d":{"cut`:              true,
		`{"t":"A","op":0,"s":1,"x":[{}],"d":{"cut`:     true,
		`{"op":0,"s":1,"t":"B","d":{"cut`:              false,
		`{"s":1,"t":"A","d":{"cut`:                     false,
		`{"op":0,"t":"A","d":{"cut`:                    false,
		`{"op":0,"s":1,"d":{"cut`:                      false,
		`{"op":0,"s":1,"t":"A","e":{"cut`:              false,
		`{"op":0,"s":1,"t":"A","dd":{"cut`:             false,
		`{"op":0,"s":null,"t":"A","d":{"cut`:           true,
		`{"op":0,"s":1,"t":"A","d":{"whole":1},"d":{}`: true,
	} {
		env, err := scanEnvelope([]byte(in), func(_ Opcode, typ []byte) bool { return string(typ) != "B" })
		if (err == nil) != skipped {
			t.Errorf("%s: %+v, %v; want skipped: %t", in, env, err, skipped)
		}
	}
}

// Whatever encoding/json takes for an object, the scan must take too, with the
// same op, s, t and d.
func FuzzScanEnvelope(f *testing.F) {
	for _, seed := range []string{
		`{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{"id":"1"}}`, `{"op":10,"d":{"heartbeat_interval":41250}}`,
		`{"op":9,"d":false}`, `{"op":1e1}`, `{"op":0,"s":null,"t":"a\"b","d":"\\"}`, `{"d":[[[]]],"op":0}`, `{`, `{"op":0,}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		env, err := scanEnvelope(p, nil)
		var want map[string]json.RawMessage
		if json.Unmarshal(p, &want) != nil || want == nil {
			return // more lenient than JSON is fine, a panic is not
		}
		if err != nil {
			t.Fatalf("%q: %v", p, err)
		}
		var op int32
		if raw, ok := want["op"]; ok && json.Unmarshal(raw, &op) == nil && op >= 0 && string(raw) != "null" {
			if _, isInt := integer(raw); isInt && env.op != Opcode(op) && countKey(p, `op`) == 1 {
				t.Fatalf("%q: op %d, want %d", p, env.op, op)
			}
		}
		if raw, ok := want["d"]; ok && countKey(p, `d`) == 1 && string(raw) != string(env.d) {
			t.Fatalf("%q: d %q, want %q", p, env.d, raw)
		}
	})
}

// countKey counts how often a key may stand in p; json keeps the last of
// several and matches some spellings that a byte compare does not.
func countKey(p []byte, key string) int {
	n := 0
	for i := 0; i+len(key)+2 <= len(p); i++ {
		if string(p[i:i+len(key)+2]) == `"`+key+`"` {
			n++
		}
	}
	return n
}

func FuzzParseReady(f *testing.F) {
	f.Add([]byte(`{"session_id":"a","resume_gateway_url":"wss://x","user":{"id":1},"guilds":[{}],"application":{"id":"2","flags":1}}`))
	f.Add([]byte(`{"session_id":7,"user":null,"guilds":{},"application":[]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, d []byte) {
		if out, err := parseReady(d); err == nil && out.sessionID == "" {
			t.Fatal("a READY without a session was accepted")
		}
	})
}

// Statements: G-049, G-111.
func TestParseReadyIsLenient(t *testing.T) {
	for _, d := range []string{
		`{"session_id":"a","resume_gateway_url":"wss://x","v":10,"user":{"id":"1144258153000000007","username":"u"},"guilds":[{"id":"1"},{"id":2}],"application":{"id":"9","flags":8192,"flags_new":"16384"},"_trace":["x"],"auth":null}`,
		`{"session_id":"a","resume_gateway_url":"wss://x","user":{"id":1144258153000000007,"username":"u"},"guilds":[{},null],"application":{"id":9,"flags":"16384"}}`,
	} {
		out, err := parseReady([]byte(d))
		if err != nil {
			t.Fatal(err)
		}
		r := out.ready
		if r.SessionID != "a" || out.resumeURL != "wss://x" || r.UserID != "1144258153000000007" || r.Username != "u" || r.Guilds != 2 || r.ApplicationID != "9" || r.ApplicationFlags != 16384 {
			t.Errorf("%s gave %+v", d, out)
		}
	}
	out, err := parseReady([]byte(`{"session_id":"a","user":[],"guilds":"x","application":null}`))
	if err != nil || out.sessionID != "a" {
		t.Errorf("mistyped fields cost more than themselves: %+v, %v", out, err)
	}
}

// A READY without a session ID is told as such, whatever stands in its place.
func TestReadyWithoutASessionIsRefused(t *testing.T) {
	for _, d := range []string{``, `null`, `[]`, `"a"`, `{}`, `{"session_id":null}`, `{"session_id":""}`, `{"session_id":true}`, `{"session_id":["a"]}`, `{"session_id":1.5}`, `{"session_id":"a"`} {
		if out, err := parseReady([]byte(d)); err == nil || out.sessionID != "" || err.Error() != "READY has no session_id" {
			t.Errorf("%s: session %q, %v", d, out.sessionID, err)
		}
	}
}

func FuzzHello(f *testing.F) {
	f.Add([]byte(`{"heartbeat_interval":41250}`))
	f.Add([]byte(`{"heartbeat_interval":-1}`))
	f.Add([]byte(`{"heartbeat_interval":1e300}`))
	f.Fuzz(func(t *testing.T, d []byte) {
		if v, odd := helloInterval(d); !bounds.HeartbeatInterval.Has(v) || odd != "" && v != bounds.UsualInterval {
			t.Fatalf("interval %v of %s (%q)", v, d, odd)
		}
	})
}
