package tokenlock

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"evergreen/internal/regular"
)

// Holder is a process that holds a token, as the lock file describes it.
type Holder struct {
	// ID is random and different for each run; empty for a version that had none. The
	// HTTP API of the run says it too.
	ID      string    `json:"id,omitempty"`
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
	Host    string    `json:"host,omitempty"`
	Version string    `json:"version,omitempty"`
	// Socket is where it can be asked to hand over; empty if it cannot be.
	Socket string `json:"socket,omitempty"`
	// API is where its HTTP API listens, see [Lock.Announce]; empty if it has none.
	API string `json:"api,omitempty"`
	// Temporary is set as in [Options.Temporary].
	Temporary bool `json:"visits,omitempty"`
}

// String names the process, as in "process 4711 on web1, since 2026-03-01
// 10:00:00 UTC".
func (h Holder) String() string {
	if h.PID == 0 {
		return "a process that did not leave its name"
	}
	text := fmt.Sprintf("process %d", h.PID)
	if h.Host != "" {
		text += " on " + h.Host
	}
	if h.Version != "" {
		text += " (version " + h.Version + ")"
	}
	return text + ", since " + h.Since.UTC().Format("2006-01-02 15:04:05 MST")
}

// IsLocal reports whether the process runs on this machine, as far as names tell: an
// address such as 127.0.0.1 means the same to both.
func (h Holder) IsLocal() bool {
	here, err := os.Hostname()
	return h.Host == "" || err != nil || h.Host == here
}

// same reports whether both are the same run of the same process.
func (h Holder) same(other Holder) bool {
	if h.ID != "" || other.ID != "" {
		return h.ID == other.ID
	}
	return h.PID == other.PID && h.Host == other.Host && h.Since.Equal(other.Since)
}

// HeldError means that another process holds the token (G-155).
type HeldError struct {
	Holder Holder
	// Path is the lock file.
	Path string
	// Asked is how the request to hand over ended; empty without one.
	Asked string
}

// Error names the holder and says what to do about it.
func (e *HeldError) Error() string {
	lines := []string{
		"this bot is run by another process already: " + e.Holder.String(),
		"Two at once would answer twice and end each other's sessions.",
	}
	if e.Asked != "" {
		lines = append(lines,
			"It was asked to hand over: "+e.Asked+".",
			"Stop it, then start this one again: it takes up the session.")
	} else {
		lines = append(lines, "Stop it first, or start this one with --take-over: then it hands its session over without a gap.")
	}
	lines = append(lines, "The lock is "+e.Path+"; it ends with the process that holds it, so it never has to be deleted.")
	return strings.Join(lines, "\n  ")
}

// ExitCode is 78: only a person can tell which of the two is wanted.
func (e *HeldError) ExitCode() int { return 78 }

// write replaces the content of the lock file.
func (h Holder) write(f *os.File) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(append(text, '\n'), 0)
	return err
}

// readHolder reads the lock file; the zero Holder if nothing can be read.
func readHolder(path string) Holder {
	var h Holder
	text, _, err := regular.Read(path, maxMessage)
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}

// awaitHolder reads the lock file, again for up to 100 ms while it is empty: a holder
// that has just got the lock writes it at once.
func awaitHolder(path string) Holder {
	h := readHolder(path)
	for range 20 {
		if h.PID != 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
		h = readHolder(path)
	}
	return h
}
