package dashboard

import (
	"strings"

	"evergreen/fleet"
)

// fleetView is how far a start of many shards is, or a change of their number.
type fleetView struct {
	Text  string
	Width int // of 100
}

// fleet tells of a start and of a change while they go on; a single shard and
// shards that are all there need no bar.
func (f frame) fleet(snap *fleet.Snapshot) []fleetView {
	if snap == nil {
		return nil
	}
	var views []fleetView
	if p := snap.Progress; p.Total > 1 && !p.Done() {
		views = append(views, fleetView{f.progress(p), share(p)})
	}
	if r := snap.Reshard; r != nil {
		text := f.T("fleet.change", r.From, r.To) + ": " + f.progress(r.Progress)
		views = append(views, fleetView{text, share(r.Progress)})
	}
	return views
}

// share is how many of a hundred shards are online.
func share(p fleet.Progress) int { return 100 * p.Online / max(1, p.Total) }

// progress says it in words.
func (f frame) progress(p fleet.Progress) string {
	parts := []string{f.T("fleet.online", p.Online, p.Total)}
	for _, part := range []struct {
		n   int
		key string
	}{{p.Resuming, "fleet.resuming"}, {p.Identifying, "fleet.identifying"}, {p.Queued, "fleet.queued"}, {p.Failing, "fleet.failing"}, {p.Parked, "fleet.parked"}} {
		if part.n > 0 {
			parts = append(parts, f.T(part.key, part.n))
		}
	}
	if p.Remaining > 0 {
		parts = append(parts, f.T("fleet.remaining", f.Duration(p.Remaining)))
	}
	return strings.Join(parts, ", ")
}
