package gateway

import (
	"bytes"
	"errors"
	"math"

	"evergreen/internal/bounds"
)

// envelope is the outside of a payload. d stays raw, because most events are not wanted.
type envelope struct {
	op  Opcode // -1 when absent or not an integer
	seq int64  // 0 when null, absent or out of bounds
	typ []byte // nil when null or absent
	d   []byte // nil when absent
}

var errNotJSON = errors.New("not a JSON object")

// scanEnvelope reads the outside of a payload in one pass and without allocating. The
// slices point into p. Unknown keys and values of unexpected types are passed over
// (G-109). Only text that is not a JSON object is an error.
//
// Discord sends d last. When everything else is known by then and skip reports that the
// event is not wanted, d is not even scanned.
func scanEnvelope(p []byte, skip func(op Opcode, typ []byte) bool) (envelope, error) {
	env := envelope{op: -1}
	var haveOp, haveSeq, haveTyp bool
	i := space(p, 0)
	if i >= len(p) || p[i] != '{' {
		return env, errNotJSON
	}
	i = space(p, i+1)
	if i < len(p) && p[i] == '}' {
		return env, nil
	}
	for {
		key, start := memberKey(p, i)
		if start < 0 {
			return env, errNotJSON
		}
		if len(key) == 1 && key[0] == 'd' && haveOp && haveSeq && haveTyp && skip != nil && skip(env.op, env.typ) {
			return env, nil
		}
		end := valueEnd(p, start)
		if end < 0 {
			return env, errNotJSON
		}
		value := p[start:end]
		switch string(key) {
		case "op":
			haveOp = true
			if n, ok := integer(value); ok && n <= math.MaxInt32 {
				env.op = Opcode(n)
			}
		case "s":
			haveSeq = true
			if n, _ := integer(value); bounds.Sequence.Has(n) { // 0 is out of bounds
				env.seq = n
			}
		case "t":
			haveTyp = true
			if value[0] == '"' {
				env.typ = value[1 : len(value)-1]
			}
		case "d":
			env.d = value
		}
		i = space(p, end)
		if i >= len(p) {
			return env, errNotJSON
		}
		switch p[i] {
		case ',':
			i = space(p, i+1)
		case '}':
			if space(p, i+1) != len(p) {
				return env, errNotJSON
			}
			return env, nil
		default:
			return env, errNotJSON
		}
	}
}

// memberKey returns the key of the object's member that starts at i and the index where
// its value starts, or -1.
func memberKey(p []byte, i int) (key []byte, value int) {
	if i >= len(p) || p[i] != '"' {
		return nil, -1
	}
	end := stringEnd(p, i)
	if end < 0 {
		return nil, -1
	}
	colon := space(p, end)
	if colon >= len(p) || p[colon] != ':' {
		return nil, -1
	}
	return p[i+1 : end-1], space(p, colon+1)
}

// space returns the index of the first byte at or after i that is not white space.
func space(p []byte, i int) int {
	for i < len(p) && (p[i] == ' ' || p[i] == '\n' || p[i] == '\t' || p[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns the index after the closing quote of the string that
// opens at i, or -1.
func stringEnd(p []byte, i int) int {
	for j := i + 1; ; {
		quote := bytes.IndexByte(p[j:], '"')
		if quote < 0 {
			return -1
		}
		j += quote
		backslashes := 0
		for k := j - 1; p[k] == '\\'; k-- { // not beyond the opening quote
			backslashes++
		}
		j++
		if backslashes%2 == 0 {
			return j
		}
	}
}

// valueEnd returns the index after the JSON value that starts at i, or -1.
// Inside objects and arrays it only balances brackets and strings.
func valueEnd(p []byte, i int) int {
	if i >= len(p) {
		return -1
	}
	switch p[i] {
	case '"':
		return stringEnd(p, i)
	case '{', '[':
		depth := 0
		for j := i; j < len(p); j++ {
			switch p[j] {
			case '"':
				end := stringEnd(p, j)
				if end < 0 {
					return -1
				}
				j = end - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return j + 1
				}
			}
		}
		return -1
	default:
		j := i
		for j < len(p) && p[j] != ',' && p[j] != '}' && p[j] > ' ' {
			j++
		}
		if j == i || !scalar(p[i:j]) {
			return -1
		}
		return j
	}
}

// scalar reports whether v is a literal or looks like a number.
func scalar(v []byte) bool {
	switch string(v) {
	case "null", "true", "false":
		return true
	}
	for _, c := range v {
		switch {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
		default:
			return false
		}
	}
	return true
}

// integer parses a JSON integer that is not negative and has at most 18 digits. v is not
// empty.
func integer(v []byte) (int64, bool) {
	if len(v) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
