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
	o, guild, err := readCommand(op, d)
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

// command is what Discord reads of the payloads that bots send to it.
type command struct {
	Guild     ids       `json:"guild_id"`
	Guilds    ids       `json:"guild_ids"`
	Channel   snowflake `json:"channel_id"`
	SelfMute  bool      `json:"self_mute"`
	SelfDeaf  bool      `json:"self_deaf"`
	SelfVideo bool      `json:"self_video"`
	Query     *string   `json:"query"`
	Limit     int       `json:"limit"`
	Presences bool      `json:"presences"`
	Users     ids       `json:"user_ids"`
	Fields    []string  `json:"fields"`
}

// ids is one id or a list of them: libraries send both.
type ids []snowflake

// UnmarshalJSON takes an id or a list; null is none.
func (i *ids) UnmarshalJSON(raw []byte) error {
	if raw[0] == '[' {
		return json.Unmarshal(raw, (*[]snowflake)(i))
	}
	var one snowflake
	err := json.Unmarshal(raw, &one)
	if *i = nil; one != 0 {
		*i = ids{one}
	}
	return err
}

// readCommand reads a payload for Discord and the guild that it is for. What Discord does not
// document is refused: Discord would close the connection, which is that of all bots.
func readCommand(op gateway.Opcode, d []byte) (object, uint64, error) {
	o, err := parseObject(d)
	if err != nil {
		return nil, 0, err
	}
	var c command
	if err := json.Unmarshal(d, &c); err != nil {
		return nil, 0, errors.New(jsonTrouble(err))
	}
	if op == gateway.OpRequestSoundboardSounds {
		if len(c.Guilds) == 0 {
			return nil, 0, errors.New("guild_ids has no id")
		}
		o.set("guild_ids", []snowflake(c.Guilds))
		return o, uint64(c.Guilds[0]), nil
	}
	if len(c.Guild) != 1 || c.Guild[0] == 0 {
		return nil, 0, errors.New("guild_id must be one id")
	}
	if op == gateway.OpRequestGuildMembers && c.Query == nil && len(c.Users) == 0 {
		return nil, 0, errors.New("query and user_ids are missing")
	}
	o.set("guild_id", c.Guild[0])
	return o, uint64(c.Guild[0]), nil
}

// request is a request for members whose answers have not all come.
type request struct {
	from  *attachment
	nonce json.RawMessage // what the bot gave; nil: nothing
	asked time.Time
}

// requestLife is how long answers to a request for members are waited for.
const requestLife = 10 * time.Minute

// maxDirect bounds the members that wait for a line, in bytes: a bot may ask for those of a
// large guild and read nothing.
const maxDirect = 32 << 20

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
	members := directive{r.Type, o.bytes()}
	if to.directBytes += len(members.data); to.directBytes > maxDirect {
		to.line.Close(line.CloseUnknownError, "The members that were asked for are not read.")
		return
	}
	to.direct = append(to.direct, members)
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
