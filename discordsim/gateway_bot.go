package discordsim

import (
	"math/rand/v2"
	"time"
)

// bot is the gateway side of an app: its sessions, its identify budget, its
// status as others see it, and what is counted of it.
type bot struct {
	sim      *Sim
	app      *App
	sessions []*session
	shards   map[shardID]*botShard
	dms      map[ID]*Channel
	// identified is when the window of each concurrency key last began with an IDENTIFY.
	identified map[int]time.Time
	// membersAsked is when all members of a guild were last asked for.
	membersAsked map[ID]time.Time

	visible      visible
	counts       Verdict        // without what is still open
	expectations []*expectation // oldest first
	refers       bool           // it has referred to a message that it answers
	sweepAt      int            // how many asks make it worth looking for settled ones
}

func newBot(s *Sim, app *App) *bot {
	return &bot{
		sim: s, app: app, shards: map[shardID]*botShard{}, dms: map[ID]*Channel{}, identified: map[int]time.Time{},
		membersAsked: map[ID]time.Time{}, counts: Verdict{CloseCodes: map[int]int{}},
	}
}

// shardID is a shard id and the number of shards it is one of.
type shardID struct{ id, count int }

// botShard is one shard of a bot over all its sessions.
type botShard struct {
	rng *rand.Rand
	// attached counts the sessions that have a connection. gapSince is when the
	// last of them lost it; zero while there is one, and before the first.
	attached int
	gapSince time.Time
	// endedByClientAt is when the client last ended a session with 1000 or 1001.
	endedByClientAt time.Time
}

// shardOf finds or makes the record of a shard.
func (b *bot) shardOf(p shardID) *botShard {
	shard := b.shards[p]
	if shard == nil {
		shard = &botShard{rng: b.sim.newRand(uint64(b.app.ID), uint64(p.count)<<32|uint64(p.id))}
		b.shards[p] = shard
	}
	return shard
}

// startLimit is the identify budget of the current window.
func (s *Sim) startLimit(app *App) (total, remaining int, resetAfter time.Duration) {
	now := time.Now()
	if !app.startsReset.IsZero() && !now.Before(app.startsReset) {
		app.startsUsed, app.startsReset = 0, time.Time{}
	}
	resetAfter = s.cfg.Identify.StartsWindow
	if !app.startsReset.IsZero() {
		resetAfter = app.startsReset.Sub(now)
	}
	return app.StartsTotal, max(0, app.StartsTotal-app.startsUsed), resetAfter
}

// spendStart takes one IDENTIFY out of the budget.
func (s *Sim) spendStart(app *App) {
	s.startLimit(app)
	if app.startsReset.IsZero() {
		app.startsReset = time.Now().Add(s.cfg.Identify.StartsWindow)
	}
	app.startsUsed++
}

// closeSessions ends every session of an app with a close code.
func (s *Sim) closeSessions(app *App, code int) {
	b := s.bots[app.ID]
	for len(b.sessions) > 0 {
		sess := b.sessions[0]
		c := sess.conn
		sess.end(endedByServer)
		if c != nil {
			c.close(code, "")
		}
	}
}
