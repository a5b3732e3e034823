package discordsim

import (
	"encoding/json"
	"slices"
	"time"
)

// ChangeKind says what a [Change] is about.
type ChangeKind string

// The kinds of changes, each with the fields it sets beside Kind and At. Channel and Guild
// are 0 where there is none.
const (
	// ChangeMessage: a message was created or changed, or its reactions or votes; Message,
	// Channel, Guild.
	ChangeMessage ChangeKind = "message"
	// ChangeMessageDelete: Message, Channel, Guild.
	ChangeMessageDelete ChangeKind = "message_delete"
	// ChangeTyping: User began to type in Channel of Guild.
	ChangeTyping ChangeKind = "typing"
	// ChangeMember: User joined Guild, left it, or is known otherwise there.
	ChangeMember ChangeKind = "member"
	// ChangeVoice: User is in another voice channel of Guild, or in none.
	ChangeVoice ChangeKind = "voice"
	// ChangePresence: User is seen otherwise, or is a bot that has gained or lost a connection.
	ChangePresence ChangeKind = "presence"
	// ChangeGuild: Guild came, went, became unavailable, or has another name or other roles.
	ChangeGuild ChangeKind = "guild"
	// ChangeChannel: Channel of Guild, also a thread or a direct message, came, went or
	// changed.
	ChangeChannel ChangeKind = "channel"
	// ChangeInteraction: Interaction of User in Channel was opened, or something came of it.
	ChangeInteraction ChangeKind = "interaction"
	// ChangeViolation: Violation was recorded.
	ChangeViolation ChangeKind = "violation"
	// ChangeFault: the fault Fault began or ended.
	ChangeFault ChangeKind = "fault"
	// ChangeReload: changes were lost; what is known may be out of date.
	ChangeReload ChangeKind = "reload"
)

// Change is a change of the simulated world. It says what changed and not how: a reader
// asks for what it is about, and gets it as it is by then.
type Change struct {
	Kind                          ChangeKind
	At                            time.Time
	Guild, Channel, Message, User ID
	// Interaction is the id of an interaction, Fault that of an [Active].
	Interaction, Fault ID
	Violation          *Violation
}

// Watch is a reader's view of the changes of a [Sim]. Make it with [Sim.Watch], read
// [Watch.Changes], and end it with [Watch.Close].
//
// It never keeps the simulator waiting. When more changes wait than fit, the next ones are
// lost, and a [ChangeReload] takes their place.
type Watch struct {
	sim     *Sim
	changes chan Change
	// sent counts what was put into changes, reload the newest ChangeReload by its number
	// there. Both are guarded by the simulator's mutex.
	sent, reload int
}

// Watch begins to tell changes, of which at most buffer wait for the reader (at least 1).
// It ends by itself with [Sim.Close].
func (s *Sim) Watch(buffer int) *Watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &Watch{sim: s, changes: make(chan Change, max(1, buffer)+1)}
	if s.closed {
		close(w.changes)
		return w
	}
	s.watches = append(s.watches, w)
	return w
}

// Changes gives the changes in their order. It is closed by [Watch.Close] and [Sim.Close].
func (w *Watch) Changes() <-chan Change { return w.changes }

// Close ends the watch; a second call does nothing.
func (w *Watch) Close() {
	w.sim.mu.Lock()
	defer w.sim.mu.Unlock()
	if i := slices.Index(w.sim.watches, w); i >= 0 {
		w.sim.watches = slices.Delete(w.sim.watches, i, i+1)
		close(w.changes)
	}
}

// endWatches ends all watches.
func (s *Sim) endWatches() {
	for _, w := range s.watches {
		close(w.changes)
	}
	s.watches = nil
}

// put hands a change to the reader. The last place of the channel is kept for a
// ChangeReload, and while that has not been read, no other is needed: its reader will
// see the world as it is by then.
func (w *Watch) put(c Change) {
	waiting := len(w.changes)
	if waiting == cap(w.changes)-1 {
		c = Change{Kind: ChangeReload, At: c.At}
	}
	if waiting >= cap(w.changes)-1 && w.sent-waiting < w.reload {
		return
	}
	w.sent++
	if c.Kind == ChangeReload {
		w.reload = w.sent
	}
	w.changes <- c
}

// changed tells the watches of a change.
func (s *Sim) changed(c Change) {
	if len(s.watches) == 0 {
		return
	}
	c.At = time.Now()
	for _, w := range s.watches {
		w.put(c)
	}
}

// messageChanged tells the watches of a message, and of the interaction that it answers.
func (s *Sim) messageChanged(kind ChangeKind, m *Message) {
	c := Change{Kind: kind, Message: m.ID, Channel: m.Channel.ID}
	if m.Channel.Guild != nil {
		c.Guild = m.Channel.Guild.ID
	}
	s.changed(c)
	if a := s.rest.interactions[m.Interaction]; a != nil {
		s.interactionChanged(a)
	}
}

// interactionChanged tells the watches of an interaction.
func (s *Sim) interactionChanged(a *interaction) {
	c := Change{Kind: ChangeInteraction, Interaction: a.id, Channel: a.channel.ID, User: a.user.ID}
	if a.channel.Guild != nil {
		c.Guild = a.channel.Guild.ID
	}
	s.changed(c)
}

// changeOfEvent says which events of the gateway tell of a change. Messages, members that
// change and presences are told where their events are made.
var changeOfEvent = map[string]ChangeKind{
	"MESSAGE_REACTION_ADD": ChangeMessage, "MESSAGE_REACTION_REMOVE": ChangeMessage, "MESSAGE_REACTION_REMOVE_ALL": ChangeMessage,
	"MESSAGE_REACTION_REMOVE_EMOJI": ChangeMessage, "MESSAGE_POLL_VOTE_ADD": ChangeMessage, "MESSAGE_POLL_VOTE_REMOVE": ChangeMessage,
	"MESSAGE_DELETE_BULK": ChangeMessageDelete, "TYPING_START": ChangeTyping, "VOICE_STATE_UPDATE": ChangeVoice,
	"GUILD_MEMBER_ADD": ChangeMember, "GUILD_MEMBER_REMOVE": ChangeMember,
	"GUILD_DELETE": ChangeGuild, "GUILD_UPDATE": ChangeGuild, "GUILD_ROLE_CREATE": ChangeGuild, "GUILD_ROLE_UPDATE": ChangeGuild, "GUILD_ROLE_DELETE": ChangeGuild,
	"CHANNEL_CREATE": ChangeChannel, "CHANNEL_UPDATE": ChangeChannel, "CHANNEL_DELETE": ChangeChannel,
	"THREAD_CREATE": ChangeChannel, "THREAD_UPDATE": ChangeChannel, "THREAD_DELETE": ChangeChannel,
}

// eventChanged tells the watches of the change behind an event of the gateway, if there is
// one; raw is its d.
func (s *Sim) eventChanged(event string, raw []byte) {
	kind := changeOfEvent[event]
	if len(s.watches) == 0 || kind == "" {
		return
	}
	var about struct {
		ID        ID              `json:"id"`
		GuildID   ID              `json:"guild_id"`
		ChannelID ID              `json:"channel_id"`
		MessageID ID              `json:"message_id"`
		UserID    ID              `json:"user_id"`
		User      struct{ ID ID } `json:"user"`
		IDs       []ID            `json:"ids"`
	}
	if json.Unmarshal(raw, &about) != nil {
		return // an event of [Sim.Emit] that is not as Discord's
	}
	c := Change{Kind: kind, Guild: about.GuildID, Channel: about.ChannelID, Message: about.MessageID, User: max(about.UserID, about.User.ID)}
	switch kind {
	case ChangeGuild:
		c.Guild = max(about.GuildID, about.ID)
	case ChangeChannel:
		c.Channel = about.ID
	case ChangeMessageDelete:
		for _, c.Message = range about.IDs {
			s.changed(c)
		}
		return
	}
	s.changed(c)
}
