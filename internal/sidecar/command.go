package sidecar

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"time"

	"evergreen/gateway"
	"evergreen/internal/sidecar/backlog"
	"evergreen/internal/sidecar/line"
)

// closeRateLimited is how Discord closes for too many payloads.
const closeRateLimited = 4008

// send is a payload of a bot on its way to Discord.
type send struct {
	op    gateway.Opcode
	guild uint64
	d     object
}

// sendDeadline bounds how long one payload waits for Discord's send limit and for a
// connection.
const sendDeadline = 10 * time.Minute

// sendUpstream sends what the bot wants to send, one after another, until ctx ends.
func (a *attachment) sendUpstream(ctx context.Context) {
	s := a.sidecar
	for {
		var next send
		select {
		case <-ctx.Done():
			return
		case next = <-a.sends:
		}
		s.mu.Lock()
		upstream := s.upstream
		s.mu.Unlock()
		if upstream == nil {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, sendDeadline)
		err := upstream.Send(limited, next.guild, next.op, next.d)
		cancel()
		if err != nil && ctx.Err() == nil {
			s.log.Warn("A payload of the bot was not sent to Discord", "opcode", next.op.String(), "guild", next.guild, "error", err)
		}
	}
}

// queue queues a payload; false: too many wait.
func (a *attachment) queue(p send) bool {
	select {
	case a.sends <- p:
		return true
	default:
		return false
	}
}

// forward sends a payload of the bot on the shard of its guild.
func (a *attachment) forward(op gateway.Opcode, d json.RawMessage) error {
	o, err := parseObject(d)
	if err != nil {
		return &line.CloseError{Code: line.CloseDecodeError, Reason: op.String() + ": " + err.Error()}
	}
	guild, err := guildField(o)
	if err != nil {
		return &line.CloseError{Code: line.CloseDecodeError, Reason: op.String() + ": " + err.Error()}
	}
	if op == gateway.OpRequestGuildMembers {
		a.ask(o, guild)
	}
	if !a.queue(send{op, guild, o}) {
		return &line.CloseError{Code: closeRateLimited, Reason: "Too many payloads wait for Discord's limit."}
	}
	return nil
}

// guildField returns the guild that a payload is for: guild_id as a string, a number or a
// list of one, or the first of guild_ids.
func guildField(o object) (uint64, error) {
	raw, ok := o["guild_id"]
	if !ok {
		raw = o["guild_ids"]
	}
	var one snowflake
	if json.Unmarshal(raw, &one) == nil && one != 0 {
		return uint64(one), nil
	}
	var list []snowflake
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		return uint64(list[0]), nil
	}
	return 0, errors.New("guild_id is no id")
}

// request is a request for members whose answers have not all come.
type request struct {
	from  *attachment
	nonce json.RawMessage // what the bot gave; nil: nothing
	asked time.Time
}

// requestLife is how long answers to a request for members are waited for.
const requestLife = 10 * time.Minute

// ask puts a nonce of ours into a request for members: its answers go to the line that
// asked, and to no other.
func (a *attachment) ask(o object, guild uint64) {
	s := a.sidecar
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requestID++
	nonce := "evergreen" + strconv.FormatUint(s.requestID, 36)
	s.requests[nonce] = request{a, o["nonce"], time.Now()}
	o.set("nonce", nonce)
	a.asked = time.Now()
}

// onChunk gives members to the line that asked for them. The caller holds the lock.
func (s *Sidecar) onChunk(r backlog.Record) {
	var d struct {
		Nonce string `json:"nonce"`
		Index int    `json:"chunk_index"`
		Count int    `json:"chunk_count"`
	}
	if json.Unmarshal(r.Data, &d) != nil {
		return
	}
	asked, ok := s.requests[d.Nonce]
	if !ok {
		return
	}
	to := asked.from
	if d.Index >= d.Count-1 {
		delete(s.requests, d.Nonce)
		if !s.asksStill(to) {
			to.asked = time.Time{}
		}
	}
	o, err := parseObject(r.Data)
	if err != nil {
		return
	}
	if delete(o, "nonce"); asked.nonce != nil {
		o["nonce"] = asked.nonce
	}
	to.direct = append(to.direct, directive{r.Type, o.bytes()})
	to.notify()
}

// asksStill reports whether answers to a line are outstanding. The caller holds the lock.
func (s *Sidecar) asksStill(a *attachment) bool {
	for _, r := range s.requests {
		if r.from == a {
			return true
		}
	}
	return false
}

// setPresence gives upstream the presence that the bot asks for, unless it has it already:
// each shard of a bot asks for the same one whenever it connects, and Discord takes five
// in 20 s.
func (a *attachment) setPresence(d json.RawMessage) {
	s := a.sidecar
	p, err := readPresence(d)
	if err != nil {
		s.log.Warn("The bot asks for a presence that Discord would refuse; the one before stays", "error", err)
		return
	}
	s.mu.Lock()
	s.identity.Presence = &p
	s.touch()
	upstream := s.upstream
	told := upstream != nil && reflect.DeepEqual(s.presented, &p)
	if upstream != nil {
		s.presented = &p
	}
	s.mu.Unlock()
	if upstream == nil || told {
		return
	}
	if err := upstream.SetPresence(p); err != nil {
		s.log.Warn("The presence of the bot cannot be set", "error", err)
	}
}

// voiceOf returns the guilds of a consumer in which the bot is in a voice channel. The
// caller holds the lock.
func (s *Sidecar) voiceOf(c *consumer) []uint64 {
	var guilds []uint64
	for guild := range s.voice {
		if c.has(guild) {
			guilds = append(guilds, guild)
		}
	}
	return guilds
}

// leaveVoice is the d of a voice state update that leaves the voice channel of a guild.
func leaveVoice(guild uint64) object {
	o := object{}
	o.set("guild_id", snowflake(guild))
	o.set("channel_id", nil)
	o.set("self_mute", false)
	o.set("self_deaf", false)
	return o
}
