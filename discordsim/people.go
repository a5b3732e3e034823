package discordsim

import (
	"fmt"
	"slices"
	"time"
)

// File is a file that a person uploads, as an attachment option or in a modal.
type File struct {
	Name        string `json:"filename"`
	ContentType string `json:"content_type,omitempty"` // found out by name and content when empty
	Data        []byte `json:"data"`
}

// Choice is one suggestion of autocomplete. Value is a string, an int64 or a float64, by the
// type of the option.
type Choice struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// Type lets a person type in a channel: TYPING_START, and [Sim.Typing] lists the person for
// ten seconds. It does nothing where the person cannot write.
func (s *Sim) Type(channel, user ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, who, err := s.personIn(channel, user)
	if err != nil || s.permissionsIn(ch, user)&ch.sendPermission() == 0 {
		return
	}
	s.emit(nil, ch.Guild, ch, "TYPING_START", s.rest.noteTyping(ch, who, time.Now()))
}

// noteTyping notes that a user types, and makes the event that tells of it.
func (r *restAPI) noteTyping(ch *Channel, who User, now time.Time) map[string]any {
	if r.typing[ch.ID] == nil {
		r.typing[ch.ID] = map[ID]time.Time{}
	}
	r.typing[ch.ID][who.ID] = now.Add(typingFor)
	event := map[string]any{"channel_id": ch.ID, "user_id": who.ID, "timestamp": now.Unix()}
	if ch.Guild != nil {
		event["guild_id"], event["member"] = ch.Guild.ID, r.sim.guildMember(ch.Guild, who)
	}
	return event
}

// personIn finds a channel and a person in it. The error says why the person cannot do
// anything there.
func (s *Sim) personIn(channel, user ID) (*Channel, User, error) {
	ch := s.channels[channel]
	who, known := s.users[user]
	switch {
	case ch == nil:
		return nil, who, fmt.Errorf("there is no channel %d", channel)
	case !known:
		return nil, who, fmt.Errorf("there is no person %d; AddUser makes one", user)
	case who.Bot:
		return nil, who, fmt.Errorf("%s is a bot; only people do that", who.Username)
	case ch.Guild == nil && ch.Recipient != user:
		return nil, who, fmt.Errorf("%s is not part of the direct messages %d", who.Username, channel)
	case ch.Guild == nil:
		return ch, who, nil
	case !ch.Guild.hasMember(user):
		return nil, who, fmt.Errorf("%s is no member of the guild %q; AddMembers makes one", who.Username, ch.Guild.Name)
	case ch.Guild.Unavailable:
		return nil, who, fmt.Errorf("the guild %q is unavailable: an outage", ch.Guild.Name)
	case !s.personSees(ch, user):
		return nil, who, fmt.Errorf("%s does not see the channel #%s: VIEW_CHANNEL is missing", who.Username, ch.Name)
	case ch.isForum(), ch.Type == channelCategory:
		return nil, who, fmt.Errorf("#%s is no channel to write in", ch.Name)
	case time.Now().Before(ch.Guild.member(user).TimedOutUntil):
		return nil, who, fmt.Errorf("%s is timed out until %s", who.Username, ch.Guild.member(user).TimedOutUntil.Format(time.TimeOnly))
	}
	return ch, who, nil
}

// reaches reports whether an app can be used in a channel: it is in the guild, or at the other
// end of the direct messages.
func (s *Sim) reaches(app *App, ch *Channel) bool {
	if ch.Guild == nil {
		return ch.App == app
	}
	return slices.Contains(s.inGuild[ch.Guild.ID], app)
}

// personSees reports whether a member of the guild sees a channel.
func (s *Sim) personSees(ch *Channel, user ID) bool {
	may := s.permissionsIn(ch, user)
	if may&permissionView == 0 {
		return false
	}
	if ch.Type != channelPrivateThread {
		return true
	}
	_, joined := ch.thread.members[user]
	return joined || may&permissionManageThreads != 0
}
