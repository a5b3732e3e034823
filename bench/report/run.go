package report

import (
	"encoding/json"
	"io"
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

// of finds the figures of a scenario and a peer.
func (r Run) of(scenario, peer string) (trial.Figures, bool) {
	for _, f := range r.Figures {
		if f.Scenario == scenario && f.Peer == peer {
			return f, true
		}
	}
	return trial.Figures{}, false
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
