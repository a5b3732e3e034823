package sidecar

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"evergreen/gateway"
	"evergreen/internal/sidecar/backlog"
)

var (
	_ gateway.Handler  = (*Sidecar)(nil)
	_ gateway.Observer = (*Sidecar)(nil)
)

// HandleEvent implements [gateway.Handler]. The shards must hand over all events.
func (s *Sidecar) HandleEvent(_ context.Context, e gateway.Event) {
	id, guild := idsOf(e.Type, e.Data)
	r := backlog.Record{
		Type: e.Type, ID: id, Guild: guild, LiveOnly: eventKinds[e.Type].liveOnly, Received: e.Received, Data: e.Data,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaitRoom()
	if s.isSeen(e) {
		return
	}
	switch e.Type {
	case "RESUMED", "RATE_LIMITED":
		return
	case "READY":
		s.onReady(r)
	case "GUILD_MEMBERS_CHUNK":
		s.onChunk(r)
		return
	case "GUILD_CREATE":
		r.Data = s.onGuildCreate(r)
	case "GUILD_DELETE":
		s.onGuildDelete(r)
	case "VOICE_STATE_UPDATE":
		s.onVoiceState(r)
	}
	if r.LiveOnly && !s.anyLive() {
		return
	}
	s.keepEvent(&r, e, e.Hold())
	position := s.append(r)
	if e.Type == "INTERACTION_CREATE" {
		s.onInteraction(position, r)
	}
	s.wake()
}

// append adds an event to the backlog and returns its position. The caller holds the lock.
func (s *Sidecar) append(r backlog.Record) int64 {
	position, lost := s.backlog.Append(r)
	s.countLost(lost)
	if s.store != nil && s.backlog.Overflows() {
		s.signalOverflow()
	}
	switch r.Type {
	case "READY":
		s.self = selfOf(r.Data)
	case "MESSAGE_CREATE":
		s.onMessage(position, r.Data)
	}
	return position
}

// selfOf returns the id of the bot's user from the d of READY; 0 if there is none.
func selfOf(d []byte) uint64 {
	var ready struct {
		User struct {
			ID snowflake `json:"id"`
		} `json:"user"`
	}
	_ = json.Unmarshal(d, &ready) // the shard has read it; fold logs what is wrong with it
	return uint64(ready.User.ID)
}

// appendOwn adds an event that Discord has not sent. The caller holds the lock.
func (s *Sidecar) appendOwn(r backlog.Record) {
	s.keepEvent(&r, gateway.Event{}, nil)
	s.append(r)
}

// anyLive reports whether any line is live. The caller holds the lock.
func (s *Sidecar) anyLive() bool {
	for a := range s.lines {
		if a.phase == phaseLive {
			return true
		}
	}
	return false
}

// onReady follows a new session upstream. Guilds that it no longer names are told as left:
// the bot was removed while there was no session. The caller holds the lock.
func (s *Sidecar) onReady(r backlog.Record) {
	var d struct {
		Shard  [2]uint64 `json:"shard"`
		Guilds []struct {
			ID snowflake `json:"id"`
		} `json:"guilds"`
	}
	if json.Unmarshal(r.Data, &d) != nil {
		return // the shard has read it; fold logs what is wrong with it
	}
	count := max(d.Shard[1], 1)
	if s.before == nil || time.Since(s.readyAt) > shardsWait {
		s.before = s.worldAt(s.backlog.Next())
	}
	// A guild that the shard did not have in its session before was joined meanwhile.
	again := s.restored || s.readyShards[d.Shard[0]]
	there, told := map[uint64]bool{}, map[uint64]bool{}
	for _, id := range s.before.Guilds() {
		told[id] = true
	}
	for _, g := range d.Guilds {
		id := uint64(g.ID)
		there[id] = true
		s.listed[id] = !again || told[id] || s.known[id]
	}
	for id := range s.known {
		if id>>22%count == d.Shard[0] && !there[id] {
			s.forgetGuild(id)
			gone := object{}
			gone.set("id", snowflake(id))
			s.appendOwn(backlog.Record{Type: "GUILD_DELETE", Guild: id, Received: r.Received, Data: gone.bytes()})
		}
	}
	s.readyAt = time.Now()
	s.guildAt = s.readyAt
	if s.firstReady.IsZero() {
		s.firstReady = s.readyAt
	}
	s.readyShards[d.Shard[0]] = true
	s.refused = 0
}

// onGuildCreate returns the event as bots get it. A guild that bots know, from READY or from
// before a new session upstream, says that it is available: else libraries take it for one
// that the bot has joined. One that it has joined before a new session does not say so. One
// that they know comes as after an outage, so that they drop what they knew of it, and after
// the end of each channel that is gone: discord.py and discord.js keep those for ever. The
// caller holds the lock.
func (s *Sidecar) onGuildCreate(r backlog.Record) []byte {
	var d struct {
		Unavailable *bool `json:"unavailable"`
	}
	if json.Unmarshal(r.Data, &d) != nil || d.Unavailable != nil && *d.Unavailable {
		return r.Data
	}
	known := s.known[r.Guild]
	told, listed := s.listed[r.Guild]
	s.guildAt = time.Now()
	if known {
		s.deleteChannels(r)
		outage := object{}
		outage.set("id", snowflake(r.Guild))
		outage.set("unavailable", true)
		s.appendOwn(backlog.Record{Type: "GUILD_DELETE", Guild: r.Guild, Received: r.Received, Data: outage.bytes()})
	}
	s.known[r.Guild] = true
	delete(s.listed, r.Guild)
	if len(s.listed) == 0 {
		s.before = nil
	}
	joined := listed && !told && !known
	if joined == (d.Unavailable == nil) || !known && !listed {
		return r.Data
	}
	guild, err := parseObject(r.Data)
	if err != nil {
		return r.Data
	}
	if joined {
		delete(guild, "unavailable")
	} else {
		guild.set("unavailable", false)
	}
	return guild.bytes()
}

// deleteChannels tells that channels are gone which a guild had before a new session upstream,
// and which its GUILD_CREATE lacks. Of threads it tells nothing: GUILD_CREATE lists those that
// are active, so one that is missing has most likely been archived, and bots drop what they
// keep of a thread when they are told of its end. The caller holds the lock.
func (s *Sidecar) deleteChannels(r backlog.Record) {
	if s.before == nil {
		return
	}
	d, _, err := s.before.Guild(r.Guild)
	if err != nil {
		s.log.Warn("What a guild was before cannot be read; bots may keep channels that are gone", "guild", r.Guild, "error", err)
	}
	had, has := channelsOf(d), channelsOf(r.Data)
	for _, id := range slices.Sorted(maps.Keys(had)) {
		if _, there := has[id]; there {
			continue
		}
		channel := had[id]
		channel.set("guild_id", snowflake(r.Guild))
		s.appendOwn(backlog.Record{Type: "CHANNEL_DELETE", Guild: r.Guild, Received: r.Received, Data: channel.bytes()})
	}
}

// channelsOf returns the channels of a GUILD_CREATE by their ids; none of one that cannot be
// read.
func channelsOf(d []byte) map[snowflake]object {
	var guild struct {
		Channels []object `json:"channels"`
	}
	_ = json.Unmarshal(d, &guild)
	channels := map[snowflake]object{}
	for _, channel := range guild.Channels {
		var id snowflake
		if id.UnmarshalJSON(channel["id"]) == nil {
			channels[id] = channel
		}
	}
	return channels
}

// onGuildDelete follows a guild that is gone or has an outage. The caller holds the lock.
func (s *Sidecar) onGuildDelete(r backlog.Record) {
	s.forgetGuild(r.Guild) // after an outage its GUILD_CREATE is no second one
}

// forgetGuild forgets a guild that is not there any more. The caller holds the lock.
func (s *Sidecar) forgetGuild(id uint64) {
	delete(s.known, id)
	delete(s.listed, id)
	delete(s.voice, id)
}

// onVoiceState remembers which voice channels the bot is in. The caller holds the lock.
func (s *Sidecar) onVoiceState(r backlog.Record) {
	var d struct {
		User    snowflake `json:"user_id"`
		Channel snowflake `json:"channel_id"`
	}
	if json.Unmarshal(r.Data, &d) != nil || uint64(d.User) != s.self || r.Guild == 0 {
		return
	}
	if d.Channel == 0 {
		delete(s.voice, r.Guild)
		return
	}
	s.voice[r.Guild] = uint64(d.Channel)
}

// Observe implements [gateway.Observer]. What upstream is refused for is passed on to
// bots that wait for READY, so that their own messages name the cause.
func (s *Sidecar) Observe(o gateway.Observation) {
	t, ok := o.Event.(gateway.Transition)
	if !ok {
		return
	}
	parked, ok := t.To.(gateway.Parked)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = parked.Reason.Code
	s.wake()
}
