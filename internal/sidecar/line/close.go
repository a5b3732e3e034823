package line

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// Close codes that Discord documents, as far as a line or its user closes with them.
const (
	CloseGoingAway            = 1001
	CloseUnknownError         = 4000
	CloseDecodeError          = 4002
	CloseNotAuthenticated     = 4003
	CloseAuthenticationFailed = 4004
	CloseAlreadyAuthenticated = 4005
	CloseInvalidShard         = 4010
	CloseShardingRequired     = 4011
	CloseInvalidVersion       = 4012
	CloseInvalidIntents       = 4013
	CloseDisallowedIntents    = 4014
)

// closeProtocolError answers frames that are no WebSocket (RFC 6455).
const closeProtocolError = 1002

// ErrEnded is returned by calls on a line that has ended. Run tells why it has.
var ErrEnded = errors.New("the line has ended")

// CloseError says that this side has closed the line. A handler returns one to close the line
// with a code.
type CloseError struct {
	Code   int
	Reason string // the client reads it; at most 123 bytes are sent
	Err    error  // what lies behind, for this side only; may be nil
}

func (e *CloseError) Error() string {
	text := fmt.Sprintf("closed the line with %d: %s", e.Code, e.Reason)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *CloseError) Unwrap() error { return e.Err }

// ClientCloseError says that the client has closed the line with a close frame. Code is 1005
// if the frame had none.
type ClientCloseError struct {
	Code   int
	Reason string // what the client wrote: foreign text
}

func (e *ClientCloseError) Error() string {
	return fmt.Sprintf("the client closed the line with %d %q", e.Code, e.Reason)
}

// LostError says that the connection ended without a close frame.
type LostError struct{ Err error }

func (e *LostError) Error() string { return "the line was lost: " + e.Err.Error() }

func (e *LostError) Unwrap() error { return e.Err }

const maxCloseReason = 123 // bytes (RFC 6455: 125 less the code)

// appendCloseFrame appends a close frame. Code 1005 stands for none.
func appendCloseFrame(dst []byte, code int, reason string) []byte {
	if code == int(websocket.StatusNoStatusRcvd) {
		return appendFrame(dst, opcodeClose, nil)
	}
	reason = strings.ToValidUTF8(reason, "?")
	if len(reason) > maxCloseReason {
		reason = reason[:maxCloseReason]
		for !utf8.ValidString(reason) {
			reason = reason[:len(reason)-1]
		}
	}
	payload := binary.BigEndian.AppendUint16(nil, uint16(code))
	return appendFrame(dst, opcodeClose, append(payload, reason...))
}
