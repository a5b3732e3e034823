package discordsim

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// sessionEndingCodes are the close codes after which a session is gone.
var sessionEndingCodes = []int{4003, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014}

// framelessCodes are the codes that stand for an end without a close frame (S-061).
var framelessCodes = map[int]bool{1006: true, 1015: true}

// keepsSession says whether a server close leaves the session alive (S-062).
func (s *Sim) keepsSession(code int) bool {
	switch {
	case slices.Contains(s.cfg.Session.KeepOn, code):
		return true
	case slices.Contains(s.cfg.Session.DropOn, code):
		return false
	}
	return !slices.Contains(sessionEndingCodes, code)
}

// sendableCode refuses a close fault whose code no server can end a connection
// with; 0 is the default of the fault.
func sendableCode(f Fault) error {
	if code := f.Code; code == 0 || (code >= 1000 && code <= 1015 && code != 1004) || (code >= 3000 && code <= 4999) {
		return nil
	}
	return fmt.Errorf("fault %s: close code %d cannot be sent; there are 1000 to 1015 without 1004, and 3000 to 4999", f.Name, f.Code)
}

// maxReason is how many bytes of a reason fit into a close frame.
const maxReason = 123

// clipReason cuts a reason to what fits, between two characters.
func clipReason(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	n := maxReason
	for n > 0 && !utf8.RuneStart(reason[n]) {
		n--
	}
	return reason[:n]
}
