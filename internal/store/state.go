package store

import (
	"fmt"
	"time"
)

// hangAfter is how long a call may take until the disk counts as not answering.
const hangAfter = 5 * time.Second

// State is whether the disk works.
type State struct {
	OK bool
	// Reason is why it does not, in words; empty if OK.
	Reason string
	// Since is when that began.
	Since time.Time
}

// notSaved is the log line of a disk that does not work.
const notSaved = "The bot stays online, but nothing is saved; a restart now would start a new session"

// State returns the state of the disk.
func (s *Store) State() State {
	s.mu.Lock()
	state := s.state
	s.mu.Unlock()
	if began := s.callBegan.Load(); began != 0 {
		since := s.created.Add(time.Duration(began))
		if took := time.Since(since); took >= hangAfter {
			return State{Reason: fmt.Sprintf("the disk has not answered for %s", took.Round(time.Second)), Since: since}
		}
	}
	return state
}

// setOK stores that the disk works, and reports whether that is new.
func (s *Store) setOK() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = nil
	if s.state.OK {
		return false
	}
	s.state = State{OK: true, Since: time.Now()}
	return true
}

// setFailed stores why the disk does not work, and reports whether that is new.
func (s *Store) setFailed(err error, reason string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = err
	if s.state.Reason == reason {
		return false
	}
	since := s.state.Since
	if s.state.OK {
		since = time.Now()
	}
	s.state = State{Reason: reason, Since: since}
	return true
}
