package discordsim

import (
	"slices"
	"time"
)

// permission is one documented bit.
type permission struct {
	bit  uint
	name string
}

// permissionTable is every documented permission.
var permissionTable = []permission{
	{0, "CREATE_INSTANT_INVITE"}, {1, "KICK_MEMBERS"}, {2, "BAN_MEMBERS"}, {3, "ADMINISTRATOR"}, {4, "MANAGE_CHANNELS"}, {5, "MANAGE_GUILD"},
	{6, "ADD_REACTIONS"}, {7, "VIEW_AUDIT_LOG"}, {8, "PRIORITY_SPEAKER"}, {9, "STREAM"}, {10, "VIEW_CHANNEL"}, {11, "SEND_MESSAGES"},
	{12, "SEND_TTS_MESSAGES"}, {13, "MANAGE_MESSAGES"}, {14, "EMBED_LINKS"}, {15, "ATTACH_FILES"}, {16, "READ_MESSAGE_HISTORY"},
	{17, "MENTION_EVERYONE"}, {18, "USE_EXTERNAL_EMOJIS"}, {19, "VIEW_GUILD_INSIGHTS"}, {20, "CONNECT"}, {21, "SPEAK"}, {22, "MUTE_MEMBERS"},
	{23, "DEAFEN_MEMBERS"}, {24, "MOVE_MEMBERS"}, {25, "USE_VAD"}, {26, "CHANGE_NICKNAME"}, {27, "MANAGE_NICKNAMES"}, {28, "MANAGE_ROLES"},
	{29, "MANAGE_WEBHOOKS"}, {30, "MANAGE_GUILD_EXPRESSIONS"}, {31, "USE_APPLICATION_COMMANDS"}, {32, "REQUEST_TO_SPEAK"}, {33, "MANAGE_EVENTS"},
	{34, "MANAGE_THREADS"}, {35, "CREATE_PUBLIC_THREADS"}, {36, "CREATE_PRIVATE_THREADS"}, {37, "USE_EXTERNAL_STICKERS"},
	{38, "SEND_MESSAGES_IN_THREADS"}, {39, "USE_EMBEDDED_ACTIVITIES"}, {40, "MODERATE_MEMBERS"}, {41, "VIEW_CREATOR_MONETIZATION_ANALYTICS"},
	{42, "USE_SOUNDBOARD"}, {43, "CREATE_GUILD_EXPRESSIONS"}, {44, "CREATE_EVENTS"}, {45, "USE_EXTERNAL_SOUNDS"}, {46, "SEND_VOICE_MESSAGES"},
	{49, "SEND_POLLS"}, {50, "USE_EXTERNAL_APPS"}, {51, "PIN_MESSAGES"}, {52, "BYPASS_SLOWMODE"},
}

// The permissions that are asked for by name in this package.
const (
	permissionInvite            uint64 = 1 << 0
	permissionKick              uint64 = 1 << 1
	permissionBan               uint64 = 1 << 2
	permissionAdministrator     uint64 = 1 << 3
	permissionManageChannels    uint64 = 1 << 4
	permissionManageGuild       uint64 = 1 << 5
	permissionReact             uint64 = 1 << 6
	permissionAuditLog          uint64 = 1 << 7
	permissionView              uint64 = 1 << 10
	permissionSend              uint64 = 1 << 11
	permissionManageMessages    uint64 = 1 << 13
	permissionEmbed             uint64 = 1 << 14
	permissionAttach            uint64 = 1 << 15
	permissionHistory           uint64 = 1 << 16
	permissionConnect           uint64 = 1 << 20
	permissionMentionEveryone   uint64 = 1 << 17
	permissionSpeak             uint64 = 1 << 21
	permissionMuteMembers       uint64 = 1 << 22
	permissionDeafenMembers     uint64 = 1 << 23
	permissionMoveMembers       uint64 = 1 << 24
	permissionChangeNickname    uint64 = 1 << 26
	permissionManageNicknames   uint64 = 1 << 27
	permissionManageRoles       uint64 = 1 << 28
	permissionManageWebhooks    uint64 = 1 << 29
	permissionManageExpressions uint64 = 1 << 30
	permissionRequestToSpeak    uint64 = 1 << 32
	permissionManageEvents      uint64 = 1 << 33
	permissionManageThreads     uint64 = 1 << 34
	permissionPublicThreads     uint64 = 1 << 35
	permissionPrivateThreads    uint64 = 1 << 36
	permissionSendInThreads     uint64 = 1 << 38
	permissionModerate          uint64 = 1 << 40
	permissionUseSoundboard     uint64 = 1 << 42
	permissionCreateExpressions uint64 = 1 << 43
	permissionCreateEvents      uint64 = 1 << 44
	permissionSendPolls         uint64 = 1 << 49
	permissionPin               uint64 = 1 << 51
	permissionBypassSlowmode    uint64 = 1 << 52
)

// allPermissions is every documented bit.
var allPermissions = func() (all uint64) {
	for _, p := range permissionTable {
		all |= 1 << p.bit
	}
	return all
}()

// everyonePermissions is what @everyone may do in a new guild.
const everyonePermissions = permissionInvite | permissionReact | 1<<9 | permissionView | permissionSend | permissionEmbed | permissionAttach |
	permissionHistory | 1<<17 | 1<<18 | permissionConnect | 1<<21 | 1<<25 | permissionChangeNickname | 1<<31 | 1<<32 | permissionPublicThreads |
	permissionPrivateThreads | 1<<37 | permissionSendInThreads | 1<<39 | 1<<42 | 1<<45 | 1<<46 | permissionSendPolls | 1<<50

// timedOutPermissions is what is left to a member who is timed out.
const timedOutPermissions = permissionView | permissionHistory

// PermissionNames lists the names of the permissions in a set, in the order of their bits.
func PermissionNames(set uint64) (names []string) {
	for _, p := range permissionTable {
		if set&(1<<p.bit) != 0 {
			names = append(names, p.name)
		}
	}
	return names
}

// permissions is what a member may do in a guild, before any channel is looked at.
func (s *Sim) permissions(g *Guild, user ID) uint64 {
	if user == g.OwnerID {
		return allPermissions
	}
	m := g.member(user)
	var may uint64
	for _, r := range g.Roles {
		if r.ID == g.ID || slices.Contains(m.Roles, r.ID) {
			may |= r.Permissions
		}
	}
	if may&permissionAdministrator != 0 {
		return allPermissions
	}
	if time.Now().Before(m.TimedOutUntil) {
		may &= timedOutPermissions
	}
	return may
}

// permissionsIn is what a user may do in a channel: what the roles allow, changed by the
// overwrites of @everyone, of the roles and of the member, in this order. Without
// VIEW_CHANNEL nothing is left. In direct messages there are no permissions to lack.
func (s *Sim) permissionsIn(ch *Channel, user ID) uint64 {
	g := ch.Guild
	if g == nil {
		return allPermissions
	}
	if ch.isThread() {
		if ch = s.channels[ch.Parent]; ch == nil {
			return 0
		}
	}
	may := s.permissions(g, user)
	if may == allPermissions {
		return may
	}
	m := g.member(user)
	var allow, deny uint64
	own := Overwrite{}
	for _, o := range ch.Overwrites {
		switch {
		case o.Type == overwriteMember && o.ID == user:
			own = o
		case o.Type == overwriteRole && o.ID == g.ID:
			may = may&^o.Deny | o.Allow
		case o.Type == overwriteRole && slices.Contains(m.Roles, o.ID):
			allow, deny = allow|o.Allow, deny|o.Deny
		}
	}
	may = may&^deny | allow
	may = may&^own.Deny | own.Allow
	if may&permissionView == 0 {
		return 0
	}
	if time.Now().Before(m.TimedOutUntil) {
		may &= timedOutPermissions
	}
	return may
}

// can reports whether the app's bot has all of these permissions in a channel.
func (s *Sim) can(app *App, ch *Channel, needs uint64) bool {
	return s.permissionsIn(ch, app.Bot.ID)&needs == needs
}

// Hide takes VIEW_CHANNEL of a channel from a bot, or gives it back.
func (s *Sim) Hide(app *App, channel ID, hidden bool) {
	s.permit(app, channel, permissionView, !hidden)
}

// Mute takes SEND_MESSAGES in a channel from a bot, or gives it back: without it messages
// are refused with 50013.
func (s *Sim) Mute(app *App, channel ID, muted bool) { s.permit(app, channel, permissionSend, !muted) }

// permit gives a bot a permission in a channel or takes it; a change is a CHANNEL_UPDATE.
func (s *Sim) permit(app *App, channel ID, needs uint64, allowed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.channels[channel]; ch != nil {
		s.setPermission(app, ch, needs, allowed)
	}
}

// setPermission denies a bot a permission in a channel, by an overwrite of its own, or
// ends that.
func (s *Sim) setPermission(app *App, ch *Channel, needs uint64, allowed bool) {
	if ch.Guild == nil {
		return
	}
	own := ch.overwrite(app.Bot.ID)
	if (own.Deny&needs == 0) == allowed {
		return
	}
	tell := s.noteAccess(ch.Guild, ch)
	own.ID, own.Type = app.Bot.ID, overwriteMember
	if own.Deny |= needs; allowed {
		own.Deny &^= needs
	}
	ch.setOverwrite(own)
	s.emitChannel("CHANNEL_UPDATE", ch)
	tell()
}

// overwrite is that of a role or member; an empty one if there is none.
func (ch *Channel) overwrite(id ID) Overwrite {
	for _, o := range ch.Overwrites {
		if o.ID == id {
			return o
		}
	}
	return Overwrite{}
}

// setOverwrite adds or replaces an overwrite; one that changes nothing is removed.
func (ch *Channel) setOverwrite(o Overwrite) {
	ch.Overwrites = slices.DeleteFunc(slices.Clone(ch.Overwrites), func(have Overwrite) bool { return have.ID == o.ID })
	if o.Allow|o.Deny != 0 {
		ch.Overwrites = append(ch.Overwrites, o)
	}
}

// renderOverwrites are the permission overwrites of a channel.
func (ch *Channel) renderOverwrites() []any {
	list := []any{}
	for _, o := range ch.Overwrites {
		list = append(list, map[string]any{"id": o.ID, "type": o.Type, "allow": decimal(o.Allow), "deny": decimal(o.Deny)})
	}
	return list
}

// TimeOut keeps a bot from writing in a guild until some time; the zero time ends it. It is
// a GUILD_MEMBER_UPDATE of the bot.
func (s *Sim) TimeOut(app *App, guild *Guild, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timeOut(app, guild, until)
}

func (s *Sim) timeOut(app *App, guild *Guild, until time.Time) {
	guild.editMember(app.Bot.ID).TimedOutUntil = until
	s.emitMember(guild, app.Bot.ID)
}

// CloseDMs lets a person take no direct messages of bots, or take them again: they are
// refused with 50007.
func (s *Sim) CloseDMs(user ID, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closedDMs[user] = closed
}

// refusal is why a bot may not write in a channel; nil if it may.
func (s *Sim) refusal(app *App, ch *Channel) *restError {
	switch {
	case ch.Guild == nil && s.closedDMs[ch.Recipient]:
		return &errCannotMessageUser
	case ch.isForum(), ch.Type == channelCategory:
		return &errNoTextChannel
	case !s.can(app, ch, ch.sendPermission()):
		return &errMissingPermission
	case ch.isThread() && ch.thread.locked && ch.thread.archived && !s.can(app, ch, permissionManageThreads):
		return &errThreadArchived
	}
	return nil
}

// sendPermission is what writing in the channel needs.
func (ch *Channel) sendPermission() uint64 {
	if ch.isThread() {
		return permissionSendInThreads
	}
	return permissionSend
}
