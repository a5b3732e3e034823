package discordsim

import (
	"cmp"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"
)

// AppConfig says what AddApp makes. The zero value is a fresh bot in no guild
// with every privileged intent switched on.
type AppConfig struct {
	// Name of the app and its bot; default "bot".
	Name string
	// Token of the bot; a random one by default.
	Token string
	// Owner is the user who owns the app; one is made by default.
	Owner ID
	// Flags of the application; nil switches all three privileged intents on
	// (the LIMITED bits).
	Flags *uint64
	// Permissions are those of the role that Discord gives the bot in each guild; nil is
	// all but ADMINISTRATOR.
	Permissions *uint64
	// Shards is what GET /gateway/bot recommends (1); LargeMultiple, above 1,
	// is what shard counts must be a multiple of.
	Shards, LargeMultiple int
	// MaxConcurrency is how many shards may identify at once (1).
	MaxConcurrency int
	// StartsTotal is the identify budget of a window (1000).
	StartsTotal int
	// StartsUsed is how much of it is spent already.
	StartsUsed int
	// Guilds the bot is in.
	Guilds []*Guild
	// EntryPoint gives the app the Entry Point command that Discord makes when Activities
	// are switched on.
	EntryPoint bool
}

// AddApp makes an application with a bot. The token must be new.
func (s *Sim) AddApp(cfg AppConfig) *App {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cfg.Name == "" {
		cfg.Name = "bot"
	}
	id := s.newID()
	app := &App{
		ID: id, Name: cfg.Name, Owner: cfg.Owner, Token: cfg.Token, Flags: limitedFlags, Permissions: allPermissions &^ permissionAdministrator,
		Bot:    User{ID: id, Username: cfg.Name, Bot: true},
		Shards: max(1, cfg.Shards), LargeMultiple: cfg.LargeMultiple, MaxConcurrency: max(1, cfg.MaxConcurrency),
		StartsTotal: cfg.StartsTotal, startsUsed: cfg.StartsUsed,
	}
	if app.Token == "" {
		app.Token = s.newToken(id)
	}
	if app.Owner == 0 {
		app.Owner = s.addUser(cfg.Name + "-owner").ID
	}
	if cfg.Flags != nil {
		app.Flags = *cfg.Flags
	}
	if cfg.Permissions != nil {
		app.Permissions = *cfg.Permissions
	}
	if app.StartsTotal == 0 {
		app.StartsTotal = 1000
	}
	s.apps[id], s.tokens[app.Token], s.users[id] = app, app, app.Bot
	s.bots[id] = newBot(s, app)
	if cfg.EntryPoint {
		raw := marshal(map[string]any{"type": commandEntry, "name": "launch", "handler": 2, "integration_types": []int{0, 1}, "contexts": []int{0, 1, 2}})
		app.Commands = append(app.Commands, s.rest.newCommand(commandScope{app: id}, definition{kind: commandEntry, name: "launch", raw: raw}))
	}
	for _, g := range cfg.Guilds {
		s.join(app, g)
	}
	return app
}

// AddUser makes a person.
func (s *Sim) AddUser(name string) User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addUser(name)
}

func (s *Sim) addUser(name string) User {
	u := User{ID: s.newID(), Username: name}
	s.users[u.ID] = u
	return u
}

// AddGuild makes a guild with the named text channels; without names with one
// called "general".
func (s *Sim) AddGuild(name string, channels ...string) *Guild {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(channels) == 0 {
		channels = []string{"general"}
	}
	g := &Guild{ID: s.newGuildID(), Name: name}
	g.Roles = []*Role{{ID: g.ID, Name: "@everyone", Permissions: everyonePermissions}}
	s.guilds[g.ID] = g
	for _, channel := range channels {
		s.addChannel(&Channel{ID: s.newID(), Name: channel, Guild: g})
	}
	return g
}

// AddMembers lets people join a guild.
func (s *Sim) AddMembers(g *Guild, users ...User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range users {
		s.addMember(g, u)
	}
}

func (s *Sim) addMember(g *Guild, u User) {
	if g == nil || !g.putMember(u.ID) {
		return
	}
	if len(s.inGuild[g.ID]) > 0 {
		g.editMember(u.ID).Joined = time.Now()
		member := s.guildMember(g, u)
		member["guild_id"] = g.ID
		s.emit(nil, g, nil, "GUILD_MEMBER_ADD", member)
	}
}

// Join adds the bot to a guild; live sessions hear of it by GUILD_CREATE.
func (s *Sim) Join(app *App, guild *Guild) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.join(app, guild)
}

func (s *Sim) join(app *App, g *Guild) {
	if slices.Contains(app.Guilds, g) {
		return
	}
	app.Guilds = append(app.Guilds, g)
	own := g.giveBotRole(app)
	s.emitRole(g, "GUILD_ROLE_CREATE", own)
	s.addMember(g, app.Bot)
	s.inGuild[g.ID] = append(s.inGuild[g.ID], app)
	s.announceJoin(app, g)
}

// Leave removes the bot from a guild; live sessions hear of it by a
// GUILD_DELETE without unavailable.
func (s *Sim) Leave(app *App, guild *Guild) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeMember(guild, app.Bot.ID)()
}

// RemoveMembers lets people leave a guild.
func (s *Sim) RemoveMembers(g *Guild, users ...ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range users {
		s.removeMember(g, id)()
	}
}

// removeMember takes a member out of a guild, by its own will or not, and returns the
// function that tells of it. A bot hears of itself by GUILD_DELETE, and its own role
// goes with it.
func (s *Sim) removeMember(g *Guild, user ID) (tell func()) {
	if !g.dropMember(user) {
		return func() {}
	}
	app := s.apps[user]
	if app != nil {
		app.Guilds = slices.DeleteFunc(app.Guilds, func(other *Guild) bool { return other == g })
		s.inGuild[g.ID] = slices.DeleteFunc(s.inGuild[g.ID], func(other *App) bool { return other == app })
		g.removeRole(app.roleIn(g))
	}
	return func() {
		s.leaveVoice(g, user)
		if app != nil {
			s.emit(app, g, nil, "GUILD_DELETE", map[string]any{"id": g.ID})
			s.emit(nil, g, nil, "GUILD_ROLE_DELETE", map[string]any{"guild_id": g.ID, "role_id": app.roleIn(g)})
		}
		s.emit(nil, g, nil, "GUILD_MEMBER_REMOVE", map[string]any{"guild_id": g.ID, "user": s.rest.renderUser(s.user(user))})
	}
}

// SetUnavailable starts or ends an outage of one guild: GUILD_DELETE with
// unavailable, and GUILD_CREATE when it is back.
func (s *Sim) SetUnavailable(guild *Guild, unavailable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setUnavailable(guild, unavailable)
}

func (s *Sim) setUnavailable(guild *Guild, unavailable bool) {
	if guild.Unavailable == unavailable {
		return
	}
	guild.Unavailable = unavailable
	for _, app := range s.inGuild[guild.ID] {
		if unavailable {
			s.emit(app, guild, nil, "GUILD_DELETE", unavailableGuild(guild))
		} else {
			s.announceReturn(app, guild)
		}
	}
}

// Emit sends any other event to the sessions that would get it: those of the
// app, or of every app in the guild when app is nil; to the shard of the guild,
// or shard 0 without one; with the intent for the event. Data is what JSON
// makes of it; a json.RawMessage goes out as it is.
func (s *Sim) Emit(app *App, guild *Guild, eventType string, data any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emit(app, guild, nil, eventType, data)
}

// ResetToken gives the bot a new token. The old one is refused everywhere and
// every session ends with 4003 (S-064).
func (s *Sim) ResetToken(app *App) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resetToken(app)
	return app.Token
}

func (s *Sim) resetToken(app *App) {
	s.formerTokens[app.Token] = s.bots[app.ID]
	delete(s.tokens, app.Token)
	app.Token = s.newToken(app.ID)
	s.tokens[app.Token] = app
	s.closeSessions(app, 4003)
}

// SetFlags changes the application's flags. Where that switches a privileged
// intent off, every session ends with 4003.
func (s *Sim) SetFlags(app *App, flags uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setFlags(app, flags)
}

func (s *Sim) setFlags(app *App, flags uint64) {
	before := app.Flags
	app.Flags = flags
	for _, i := range intentTable {
		if i.flags != 0 && before&i.flags != 0 && flags&i.flags == 0 {
			s.closeSessions(app, 4003)
			return
		}
	}
}

// SetPrivilegedIntents switches all privileged intents on, as for a small app, or
// off; see [Sim.SetFlags].
func (s *Sim) SetPrivilegedIntents(app *App, on bool) {
	flags := uint64(0)
	if on {
		flags = limitedFlags
	}
	s.SetFlags(app, flags)
}

// SetShards changes the number of shards that GET /gateway/bot recommends.
func (s *Sim) SetShards(app *App, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	app.Shards = max(1, n)
}

// Apps lists the apps there are, by id.
func (s *Sim) Apps() []*App {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.apps), func(a, b *App) int { return cmp.Compare(a.ID, b.ID) })
}

// Channels lists the channels of an app's guilds that its bot sees and may write
// in.
func (s *Sim) Channels(app *App) (all []ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range app.Guilds {
		for _, ch := range g.Channels {
			if s.can(app, ch, permissionView|ch.sendPermission()) {
				all = append(all, ch.ID)
			}
		}
	}
	return all
}

// People lists the members of an app's guilds that are no bots.
func (s *Sim) People(app *App) (all []ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[ID]bool{}
	for _, g := range app.Guilds {
		for _, id := range g.Members {
			if !seen[id] && !s.user(id).Bot {
				all = append(all, id)
			}
			seen[id] = true
		}
	}
	return all
}

// user finds a user; one that was not added is named for its id.
func (s *Sim) user(id ID) User {
	if u, known := s.users[id]; known {
		return u
	}
	return User{ID: id, Username: "user-" + id.String()}
}

// dm is the direct message channel between a bot and a person. Making one
// sends no event (S-074).
func (s *Sim) dm(app *App, user ID) *Channel {
	b := s.bots[app.ID]
	if ch := b.dms[user]; ch != nil {
		return ch
	}
	ch := &Channel{ID: s.newID(), Type: channelDM, Recipient: user, App: app}
	b.dms[user], s.channels[ch.ID] = ch, ch
	s.changed(Change{Kind: ChangeChannel, Channel: ch.ID})
	return ch
}

// DMChannel is the channel of the direct messages between a bot and a person, which is made
// if there is none.
func (s *Sim) DMChannel(app *App, user ID) ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dm(app, user).ID
}

// sees reports whether the app may look into a channel (S-071).
func (s *Sim) sees(app *App, ch *Channel) bool {
	if ch.Guild == nil {
		return ch.App == app
	}
	if !slices.Contains(s.inGuild[ch.Guild.ID], app) || !s.can(app, ch, permissionView) {
		return false
	}
	if ch.Type != channelPrivateThread {
		return true
	}
	_, joined := ch.thread.members[app.Bot.ID]
	return joined || s.can(app, ch, permissionManageThreads)
}

// newToken makes a bot token. As in reality it begins with the bot's id in
// base64, which libraries read.
func (s *Sim) newToken(id ID) string {
	return base64.RawStdEncoding.EncodeToString([]byte(id.String())) + s.newSecret()[26:]
}

// newSecret makes something that looks like a token.
func (s *Sim) newSecret() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var b strings.Builder
	for i := range 70 {
		switch i {
		case 26, 33:
			b.WriteByte('.')
		default:
			b.WriteByte(letters[s.rng.IntN(len(letters))])
		}
	}
	return b.String()
}
