package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/health"
	"evergreen/internal/mishap"
	"evergreen/internal/text"
)

// Episode is one mishap and what came of it.
type Episode struct {
	mishap.Occurrence
	// At is when it began, since the start of the demo.
	At time.Duration
	// Reaction is what the bot did, a sentence or two each.
	Reaction []string
	// AtRisk is for how long the dot was green only by Discord's patience, Grey
	// for how long it was not even that.
	AtRisk, Grey time.Duration
	// Replayed counts the events that Discord sent again.
	Replayed int
	// Proxied means that the bot is behind the proxy; then Outcome, if any, takes the place of
	// how long the dot was at risk.
	Proxied bool
	Outcome string
}

// How an episode is watched.
const (
	checkEvery = 20 * time.Millisecond
	// settledFor is how long all has to be well before an episode counts as over.
	settledFor = 500 * time.Millisecond
	// noticeTimeout is how long it may take until a loss shows, recoverTimeout how
	// long the bot may then take to be back.
	noticeTimeout  = 20 * time.Second
	recoverTimeout = time.Minute
)

// play lets one mishap happen and waits until it is over and the bot is well, or
// until ctx ends.
func (r *run) play(ctx context.Context, m mishap.Occurrence) Episode {
	e := Episode{Occurrence: m, At: r.elapsed()}
	before, began := takeTallies(r.app, r.world), time.Now()
	lost := r.observer.reset()
	active := r.inject(m)
	lift := func() {
		for _, a := range active {
			r.world.Sim.Lift(a)
		}
	}
	defer lift()
	over := began.Add(m.Lasts())
	if m.UntilNoticed {
		patience := time.NewTimer(noticeTimeout)
		select {
		case <-lost:
		case <-patience.C:
		case <-ctx.Done():
		}
		patience.Stop()
		lift()
		over = time.Now()
	}
	settled := r.settle(ctx, m, began, func(now time.Time) bool { return !now.Before(over) || r.spent(active) })
	r.describe(&e, before, began)
	if !settled {
		e.Reaction = append(e.Reaction, "It is not back yet.")
	}
	return e
}

// inject begins what a mishap is made of.
func (r *run) inject(m mishap.Occurrence) []*discordsim.Active {
	active := mishap.Inject(r.world.Sim, m.Faults)
	for range m.People {
		r.users.say("!" + m.Command)
	}
	return active
}

// spent reports whether faults that strike so many times have done so. Those
// that strike once at the next opportunity are watched for as long as they may
// take.
func (r *run) spent(active []*discordsim.Active) bool {
	if !slices.ContainsFunc(active, func(a *discordsim.Active) bool { return a.Count > 0 && a.For > 0 }) {
		return false
	}
	ids := make(map[discordsim.ID]bool, len(active))
	for _, a := range active {
		ids[a.ID] = true
	}
	for _, f := range r.world.Sim.Injected() {
		if ids[f.ID] && f.Ended.IsZero() {
			return false
		}
	}
	return true
}

// settle waits until the faults are over and the bot is well, and reports
// whether that came about.
func (r *run) settle(ctx context.Context, m mishap.Occurrence, began time.Time, over func(time.Time) bool) bool {
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	var well, ended time.Time
	for last := began; time.Since(last) < noticeTimeout+recoverTimeout; {
		now := time.Now()
		if ended.IsZero() && over(now) {
			ended, last = now, now
		}
		missing := m.Loses && len(r.incidentsSince(began)) == 0 && time.Since(last) < noticeTimeout
		switch {
		case ended.IsZero() || missing || !r.app.Tracker().Snapshot().Ready || r.app.REST().Waiting > 0:
			well = time.Time{}
		case well.IsZero():
			well = now
		case now.Sub(well) >= settledFor:
			return true
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return false
		}
	}
	return false
}

// incidentsSince lists the incidents that were noticed since a moment, oldest
// first. Those of a bot behind the proxy in which the connection to Discord was not lost are
// left out: its episodes tell of them.
func (r *run) incidentsSince(began time.Time) []health.Incident {
	all := r.app.Tracker().Incidents(health.MemoryJournalSize)
	all = slices.DeleteFunc(all, func(i health.Incident) bool { return i.Detected.Before(began) || r.bot != nil && i.Connected })
	slices.Reverse(all)
	return all
}

// describe puts into words what the bot did. Incidents between two mishaps go with
// the second one, so that none is left out.
func (r *run) describe(e *Episode, before tallies, began time.Time) {
	now := time.Now()
	for _, i := range r.incidentsSince(r.told) {
		line := text.Capitalize(i.Summary())
		if wait := i.Detected.Sub(began); wait >= 500*time.Millisecond {
			line += " Noticed after " + text.Seconds(wait) + "."
		}
		if i.Detected.Before(began) {
			line = "Before that, by itself: " + line
		}
		if slices.ContainsFunc(i.Actions, func(a health.Action) bool { return a.What.Key == "action.suspect" }) && i.Outcome == health.OutcomeResumed {
			line += " A spare connection stood ready."
		}
		e.Reaction = append(e.Reaction, line)
		e.AtRisk += i.AtRisk(now)
		e.Grey += i.ShownOffline(now)
		e.Replayed += i.Replayed
	}
	r.told = now
	e.Reaction = append(e.Reaction, remarks(r.observer.counted(), before, takeTallies(r.app, r.world))...)
	if len(e.Reaction) == 0 {
		e.Reaction = []string{"The connection stayed; nothing had to be done."}
	}
}

// remarks puts into words what shows in counters only.
func remarks(s observed, before, after tallies) (said []string) {
	remark := func(n int64, one, many string) {
		switch {
		case n == 1:
			said = append(said, one)
		case n > 1:
			said = append(said, fmt.Sprintf(many, n))
		}
	}
	if s.cleared > 0 {
		said = append(said, "An answer was overdue; a spare connection was prepared, and the old one kept when the answer came.")
	}
	if s.requested > 0 {
		said = append(said, "The heartbeat was sent at once.")
	}
	limited := after.rest.limited() - before.rest.limited()
	remark(after.rest.Retries-before.rest.Retries-limited, "One request was sent again until its answer stood.", "%d times a request was sent again, until its answer stood.")
	remark(limited, "One 429 was waited out.", "%d times a 429 was waited out.")
	remark(after.shard.Skipped-before.shard.Skipped+after.bot.Bad-before.bot.Bad, "It cost one payload and nothing else.", "It cost %d payloads and nothing else.")
	remark(after.shard.Duplicates-before.shard.Duplicates, "One event that came twice was dropped.", "%d events that came twice were dropped.")
	remark(after.bot.Panics-before.bot.Panics, "The crash was contained; the user got an apology.", "%d crashes were contained; each user got an apology.")
	if slow := after.bot.Slow - before.bot.Slow; slow > 0 {
		said = append(said, fmt.Sprintf("%d slow commands were named in the log. Meanwhile %s answered and %d other commands.",
			slow, times(s.acks, "one heartbeat was", "heartbeats were"), max(0, int64(after.asked.Answered-before.asked.Answered)-slow)))
	}
	return said
}
