package sidecar

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"evergreen/internal/sidecar/world"
)

// Bounds of the wait for Discord before a bot is told of its guilds.
const (
	shardsWait = time.Minute      // for the other shards, once one is READY
	guildsWait = 10 * time.Second // for the guilds that READY has named: discord.js gives up after 15 s
	guildPause = 2 * time.Second  // without a further guild
)

// serveIn returns how long it is until a bot that identifies can be told of its guilds:
// once every shard has been READY and its guilds have come. 0: now. The caller holds the
// lock.
func (s *Sidecar) serveIn(now time.Time) time.Duration {
	switch {
	case s.restored && s.firstReady.IsZero(): // upstream resumes, or is being mended
		return 0
	case s.upstream == nil || s.firstReady.IsZero():
		return shardsWait
	case len(s.readyShards) < len(s.upstream.Assignment().IDs):
		return max(s.firstReady.Add(shardsWait).Sub(now), 0)
	case len(s.listed) > 0:
		return max(min(s.readyAt.Add(guildsWait).Sub(now), s.guildAt.Add(guildPause).Sub(now)), 0)
	}
	return 0
}

// worldAt returns the guilds as they were at a position that is kept. The caller holds
// the lock.
func (s *Sidecar) worldAt(position int64) *world.World {
	w := s.world.Clone()
	for at := s.backlog.Tail(); at < position; at++ {
		r, _ := s.backlog.At(at)
		_ = w.Apply(r.Type, r.Data) // fold logs it, when its time has come
	}
	return w
}

// feedSnapshot writes READY and the guilds as they were at the cursor, or, for the first bot,
// as they are now, and returns how many there are.
func (a *attachment) feedSnapshot(ctx context.Context) (guilds int, err error) {
	s := a.sidecar
	s.mu.Lock()
	c := a.consumer
	s.countLost(s.backlog.MakeRoom()) // for what comes until the library is ready
	c.cursor = max(c.cursor, s.backlog.Tail())
	c.guildsAt = min(c.guildsAt, s.backlog.Next())
	w := s.worldAt(max(c.cursor, c.guildsAt))
	if w.Ready() == nil { // no bot has been told of an earlier state: they have waited for Discord
		c.guildsAt = s.backlog.Next()
		w = s.worldAt(c.guildsAt)
	}
	a.began, a.position = c.cursor, c.cursor
	a.setPhase(phaseSnapshot)
	session := a.session
	s.mu.Unlock()

	var ids []uint64
	if c.intents.Has(1) { // GUILDS; without it no GUILD_CREATE follows READY
		for _, id := range w.Guilds() {
			if c.has(id) {
				ids = append(ids, id)
			}
		}
	}
	ready, err := a.readyPayload(w, session.id, w.Guilds())
	if err != nil {
		return 0, err
	}
	if err := a.give(ctx, "READY", ready); err != nil {
		return 0, err
	}
	for _, id := range ids {
		guild, status, err := w.Guild(id)
		switch {
		case err != nil:
			s.log.Warn("A guild cannot be told to the bot", "guild", id, "error", err)
			continue
		case status == world.Available:
			err = a.give(ctx, "GUILD_CREATE", guild)
		default:
			outage := object{}
			outage.set("id", snowflake(id))
			outage.set("unavailable", true)
			err = a.give(ctx, "GUILD_DELETE", outage.bytes())
		}
		if err != nil {
			return 0, err
		}
	}
	s.mu.Lock()
	session.numbers.endSnapshot()
	s.mu.Unlock()
	return len(ids), nil
}

// give writes an event of the snapshot.
func (a *attachment) give(ctx context.Context, event string, d []byte) error {
	a.sidecar.mu.Lock()
	next := a.number(event, d)
	a.sidecar.mu.Unlock()
	return a.line.Dispatch(ctx, next.event, next.seq, next.data)
}

// readyPayload returns the d of READY: what Discord last sent, with the guilds and the
// session of this line.
func (a *attachment) readyPayload(w *world.World, session string, guilds []uint64) ([]byte, error) {
	o, err := parseObject(w.Ready())
	if err != nil {
		return nil, fmt.Errorf("READY of Discord: %w", err)
	}
	type unavailable struct {
		ID          string `json:"id"`
		Unavailable bool   `json:"unavailable"`
	}
	list := []unavailable{}
	for _, id := range guilds {
		if a.consumer.has(id) {
			list = append(list, unavailable{strconv.FormatUint(id, 10), true})
		}
	}
	o.set("guilds", list)
	o.set("session_id", session)
	o.set("resume_gateway_url", a.sidecar.gatewayURL(a.line.LocalURL()))
	o.set("v", a.line.Version())
	o.set("shard", a.consumer.shard)
	o.set("_trace", []string{"evergreen"})
	if _, ok := o["private_channels"]; !ok {
		o.set("private_channels", []string{}) // JDA and eris fail without it
	}
	return o.bytes(), nil
}
