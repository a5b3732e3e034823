package bot

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
)

// Limits of what is sent to channels that refuse it. Discord bans an address at 10,000
// refused requests in ten minutes, and the REST client stops itself at 1,000 (G-134), so
// a few each minute cost nothing. Each may be followed by two more that tell the user.
const (
	refusalWindow   = time.Minute
	channelRefusals = 5               // in refusalWindow, of one channel; then one every refusalPause
	refusalPause    = 5 * time.Second // so that a channel is never muted for longer than this
	guildRefusals   = 20              // in refusalWindow, of the channels of one guild
	allRefusals     = 30              // in refusalWindow, of all channels that have refused before
	toldRefusals    = 10              // in refusalWindow: users are told about so many
	// refusalWarning is how long after a warning about a channel the next one is due.
	refusalWarning = 10 * time.Minute
	// refusalLife is for how long a channel that was not tried again counts as refusing.
	refusalLife = 24 * time.Hour
	maxRefusals = 1024
)

// errRefusedLately means that a channel is not tried, because it would refuse the answer.
var errRefusedLately = errors.New("the channel has refused so many answers just now that it is not tried for some seconds, or until permissions change")

// Refusal is a channel of a guild that does not take the bot's messages.
type Refusal struct {
	Channel, Guild snowflake.ID
	// ChannelName and GuildName are empty while they are not known.
	ChannelName, GuildName string
	// Why says what is in the way, in words. Permission is what the bot lacks, as Discord's
	// settings call it; empty if it is something else.
	Why, Permission string
	// Since is the first refusal, Last the newest.
	Since, Last time.Time

	code  rest.JSONErrorCode
	until time.Time // when it is over by itself; zero if that is not known
}

// refusals are the channels that refuse what the bot sends, until one takes it or
// permissions change. All methods may be called at the same time.
type refusals struct {
	mu       sync.Mutex
	channels map[snowflake.ID]*refusing
	// noHistory has the channels that take messages and no replies, because the bot may
	// not read their history.
	noHistory map[snowflake.ID]noHistory
	recent    []time.Time // the refusals of all channels within refusalWindow
}

type refusing struct {
	Refusal
	recent []time.Time // within refusalWindow
	warned time.Time
}

// noHistory is a channel that took no reply.
type noHistory struct {
	guild snowflake.ID
	at    time.Time
}

// noHistoryLife is how long after a refused reply the next one is tried.
const noHistoryLife = 10 * time.Minute

func newRefusals() refusals {
	return refusals{channels: make(map[snowflake.ID]*refusing), noHistory: make(map[snowflake.ID]noHistory)}
}

// recordNoHistory records that a channel took no reply.
func (r *refusals) recordNoHistory(guild, channel snowflake.ID, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.noHistory) >= maxRefusals {
		clear(r.noHistory) // each costs one more refused request
	}
	r.noHistory[channel] = noHistory{guild, now}
}

// takesReplies reports whether a reply to a message may be tried in the channel.
func (r *refusals) takesReplies(channel snowflake.ID, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Sub(r.noHistory[channel].at) >= noHistoryLife
}

// mayTry reports whether something may be sent to the channel of a guild; 0 is none.
func (r *refusals) mayTry(guild, channel snowflake.ID, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if guild != 0 {
		ofGuild := 0
		for _, c := range r.channels {
			if c.Guild == guild {
				c.recent = within(c.recent, now)
				ofGuild += len(c.recent)
			}
		}
		if ofGuild >= guildRefusals {
			return false
		}
	}
	c := r.channels[channel]
	if c == nil {
		return true
	}
	r.recent, c.recent = within(r.recent, now), within(c.recent, now)
	return (len(c.recent) < channelRefusals || now.Sub(c.Last) >= refusalPause) && len(r.recent) < allRefusals
}

// mayTell reports whether users may still be told about refusals, which may be refused too.
func (r *refusals) mayTell(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recent = within(r.recent, now)
	return len(r.recent) <= toldRefusals
}

// within drops the times that are older than refusalWindow.
func within(times []time.Time, now time.Time) []time.Time {
	return slices.DeleteFunc(times, func(at time.Time) bool { return now.Sub(at) >= refusalWindow })
}

// record records a refusal and reports whether a warning is due.
func (r *refusals) record(of Refusal, now time.Time) (warn bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire(now)
	c := r.channels[of.Channel]
	if c == nil {
		c = &refusing{Refusal: Refusal{Since: now}}
		r.channels[of.Channel] = c
	}
	of.Since, of.Last = c.Since, now
	c.Refusal = of
	c.recent, r.recent = append(within(c.recent, now), now), append(within(r.recent, now), now)
	if warn = now.Sub(c.warned) >= refusalWarning; warn {
		c.warned = now
	}
	return warn
}

// expire drops channels that were not tried for long, and the oldest if there are many.
// The caller holds mu.
func (r *refusals) expire(now time.Time) {
	var oldest *refusing
	for channel, c := range r.channels {
		if c.isOver(now) {
			delete(r.channels, channel)
		} else if oldest == nil || c.Last.Before(oldest.Last) {
			oldest = c
		}
	}
	if len(r.channels) >= maxRefusals {
		delete(r.channels, oldest.Channel)
	}
}

// isOver reports whether the channel does not count as refusing any more.
func (r Refusal) isOver(now time.Time) bool {
	return now.Sub(r.Last) >= refusalLife || !r.until.IsZero() && !now.Before(r.until)
}

// known returns what is known of a channel that refuses.
func (r *refusals) known(channel snowflake.ID) (Refusal, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.channels[channel]
	if c == nil || c.isOver(time.Now()) {
		return Refusal{}, false
	}
	return c.Refusal, true
}

// accepted follows an answer that the channel has taken, and reports whether it had
// refused before.
func (r *refusals) accepted(channel snowflake.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, refused := r.channels[channel]
	delete(r.channels, channel)
	return refused
}

// forgetGuild forgets the channels of a guild, whose permissions may have changed, and
// returns how many had refused.
func (r *refusals) forgetGuild(guild snowflake.ID) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for channel, c := range r.channels {
		if c.Guild == guild {
			delete(r.channels, channel)
			n++
		}
	}
	maps.DeleteFunc(r.noHistory, func(_ snowflake.ID, refused noHistory) bool { return refused.guild == guild })
	return n
}

// isEmpty reports whether no channel refuses.
func (r *refusals) isEmpty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.channels) == 0 && len(r.noHistory) == 0
}

// list returns the channels of guilds that refuse, the newest first.
func (r *refusals) list(now time.Time) []Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Refusal
	for _, c := range r.channels {
		if c.Guild != 0 && !c.isOver(now) {
			all = append(all, c.Refusal)
		}
	}
	slices.SortFunc(all, func(a, b Refusal) int { return b.Since.Compare(a.Since) })
	return all
}

// Refusals returns the channels that do not take the bot's messages, the newest first.
func (b *Bot) Refusals() []Refusal { return b.refusals.list(time.Now()) }
