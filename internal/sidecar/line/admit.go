package line

// Opcodes of the gateway's payloads that a line itself has to know.
const (
	opDispatch       = 0
	opHeartbeat      = 1
	opIdentify       = 2
	opResume         = 6
	opInvalidSession = 9
	opHello          = 10
	opHeartbeatACK   = 11
)

// phase is how far the client's authentication is.
type phase int

const (
	greeted     phase = iota // HELLO was sent
	identified               // IDENTIFY or RESUME was received
	invalidated              // INVALID SESSION was sent after that
)

// admission says what becomes of a payload.
type admission int

const (
	handled admission = iota // the handler gets it
	beaten                   // a heartbeat: answered here
	ignored                  // it was sent for a session that is gone
)

// admit decides what becomes of a payload of size bytes and which phase follows. A payload
// that Discord would close the connection for is returned as a *CloseError.
func admit(p phase, op, size int) (phase, admission, *CloseError) {
	if limit := maxSize(op); size > limit {
		return p, ignored, &CloseError{Code: CloseDecodeError, Reason: "The payload is too large."}
	}
	begins := op == opIdentify || op == opResume
	switch {
	case op == opHeartbeat:
		return p, beaten, nil
	case begins && p == identified:
		return p, ignored, &CloseError{Code: CloseAlreadyAuthenticated, Reason: "Already authenticated."}
	case begins:
		return identified, handled, nil
	case p == greeted:
		return p, ignored, &CloseError{Code: CloseNotAuthenticated, Reason: "Not authenticated."}
	case p == invalidated:
		return p, ignored, nil // it crossed op 9 on the way
	}
	return p, handled, nil
}

// maxSize is the largest payload of an opcode, in bytes.
func maxSize(op int) int {
	if op == opIdentify {
		return maxIdentify
	}
	return maxPayload
}
