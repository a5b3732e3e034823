package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"evergreen/bench/peer"
	"evergreen/bench/trial"
)

// Run is a whole comparison.
type Run struct {
	Machine Machine         `json:"machine"`
	Pace    string          `json:"pace"`
	Seed    uint64          `json:"seed"`
	Jobs    int             `json:"jobs"`
	Command string          `json:"command"`
	Took    time.Duration   `json:"took_ns"`
	Peers   []Peer          `json:"peers"`
	Figures []trial.Figures `json:"figures"`
	// Replaced says which rows come from another run.
	Replaced []string `json:"replaced,omitempty"`

	Scenarios []trial.Scenario `json:"-"`
	Rules     trial.Pace       `json:"-"`
}

// Peer is one of those compared.
type Peer struct {
	Name    string `json:"name"`
	Short   string `json:"short"`
	Version string `json:"version"`
	Ours    bool   `json:"ours,omitempty"`
	Note    string `json:"note"`
	Missing string `json:"not_run,omitempty"`
}

// Of makes the list of peers.
func Of(peers []*peer.Peer) (all []Peer) {
	for _, p := range peers {
		all = append(all, Peer{Name: p.Name, Short: p.Short, Version: p.Version, Ours: p.Ours, Note: p.Note, Missing: p.Missing})
	}
	return all
}

// WriteJSON writes everything for a machine.
func (r Run) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// ReadJSON reads what WriteJSON has written.
func ReadJSON(in io.Reader) (Run, error) {
	var r Run
	err := json.NewDecoder(in).Decode(&r)
	return r, err
}

// Replace takes rows from a later run of the same pace and peers: whole rows, so
// that all peers in a row were measured together.
func (r *Run) Replace(later Run) error {
	if later.Pace != r.Pace || later.Seed != r.Seed || len(later.ran()) != len(r.ran()) {
		return errors.New("it is of another pace, seed or set of peers, and cannot replace rows of the first")
	}
	var rows []string
	for _, f := range later.Figures {
		if !slices.Contains(rows, f.Scenario) {
			rows = append(rows, f.Scenario)
			r.Figures = slices.DeleteFunc(r.Figures, func(old trial.Figures) bool { return old.Scenario == f.Scenario })
		}
		r.Figures = append(r.Figures, f)
	}
	r.Replaced = append(r.Replaced, fmt.Sprintf("%s: run again by `%s` on %s, Evergreen %s", strings.Join(rows, "; "),
		later.Command, later.Machine.Date.Format("2006-01-02 15:04 MST"), later.Peers[0].Version))
	return nil
}

// of finds the figures of a scenario and a peer.
func (r Run) of(scenario, peer string) (trial.Figures, bool) {
	for _, f := range r.Figures {
		if f.Scenario == scenario && f.Peer == peer {
			return f, true
		}
	}
	return trial.Figures{}, false
}

// ready is how long a peer took at best, in any cell, from the start of its
// process to READY: a single start tells more of what else the machine did.
func (r Run) ready(peer string) (best time.Duration) {
	for _, f := range r.Figures {
		if f.Peer == peer && f.Ready > 0 && (best == 0 || f.Ready < best) {
			best = f.Ready
		}
	}
	return best
}

// ran lists the peers that were run.
func (r Run) ran() (all []Peer) {
	for _, p := range r.Peers {
		if p.Missing == "" {
			all = append(all, p)
		}
	}
	return all
}
