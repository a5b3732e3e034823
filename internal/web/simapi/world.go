package simapi

import (
	"encoding/json"
	"net/http"

	"evergreen/discordsim"
	"evergreen/internal/web/api"
)

// The bounds of lists.
const (
	fewMessages = 50
	mostEntries = 1000
	fewMembers  = 100
)

// worldBody is the answer of /sim/world.
type worldBody struct {
	Bot    botBody     `json:"bot"`
	Bots   []botBody   `json:"bots"`
	Guilds []guildBody `json:"guilds"`
	DMs    []dmBody    `json:"dms"`
	People []userBody  `json:"people"`
	// PeopleCount is how many people there are; People has the first mostEntries of them.
	PeopleCount int `json:"people_count"`
}

type botBody struct {
	ID       discordsim.ID `json:"id"`
	Name     string        `json:"name"`
	Online   bool          `json:"online"`
	Attached bool          `json:"attached"`
	Presence presenceBody  `json:"presence"`
}

type presenceBody struct {
	Status     string          `json:"status"`
	Activities json.RawMessage `json:"activities"`
}

type userBody struct {
	ID         discordsim.ID `json:"id"`
	Username   string        `json:"username"`
	GlobalName *string       `json:"global_name"`
	Bot        bool          `json:"bot"`
}

type guildBody struct {
	ID          discordsim.ID `json:"id"`
	Name        string        `json:"name"`
	Unavailable bool          `json:"unavailable"`
	Members     int           `json:"members"`
	Channels    []channelBody `json:"channels"`
	Roles       []roleBody    `json:"roles"`
}

type roleBody struct {
	ID       discordsim.ID `json:"id"`
	Name     string        `json:"name"`
	Color    int           `json:"color"`
	Position int           `json:"position"`
}

type channelBody struct {
	ID       discordsim.ID  `json:"id"`
	GuildID  *discordsim.ID `json:"guild_id"`
	Name     string         `json:"name"`
	Type     int            `json:"type"`
	ParentID *discordsim.ID `json:"parent_id"`
	Position *int           `json:"position"`
}

type dmBody struct {
	ID   discordsim.ID `json:"id"`
	User userBody      `json:"user"`
	Bot  discordsim.ID `json:"bot"`
}

type memberBody struct {
	User         userBody        `json:"user"`
	Nick         *string         `json:"nick"`
	Roles        []discordsim.ID `json:"roles"`
	Status       string          `json:"status"`
	VoiceChannel *discordsim.ID  `json:"voice_channel"`
}

// world tells who and what there is.
func (h *Handler) world(*http.Request) (any, error) {
	sim := h.opts.Sim
	body := worldBody{Guilds: []guildBody{}, DMs: []dmBody{}, People: []userBody{}}
	for _, app := range h.opts.Apps {
		body.Bots = append(body.Bots, h.newBot(app))
		for _, ch := range sim.DirectMessages(app) {
			body.DMs = append(body.DMs, h.newDM(ch))
		}
	}
	body.Bot = body.Bots[0]
	for _, g := range sim.Guilds() {
		body.Guilds = append(body.Guilds, newGuild(g))
	}
	people := sim.Users()
	body.PeopleCount = len(people)
	for _, u := range people[:min(len(people), mostEntries)] {
		body.People = append(body.People, newUser(u))
	}
	return body, nil
}

func (h *Handler) newBot(app *discordsim.App) botBody {
	return botBody{ID: app.Bot.ID, Name: app.Name, Online: h.opts.Sim.Online(app), Attached: h.opts.Sim.Attached(app), Presence: h.newPresence(app.Bot.ID)}
}

func (h *Handler) newPresence(user discordsim.ID) presenceBody {
	return presenceBody{h.opts.Sim.Presence(user), h.opts.Sim.Activities(user)}
}

func (h *Handler) newDM(ch discordsim.ChannelView) dmBody {
	u, known := h.opts.Sim.User(ch.Recipient)
	if !known {
		u.ID = ch.Recipient
	}
	return dmBody{ch.ID, newUser(u), ch.Bot}
}

func newUser(u discordsim.User) userBody {
	return userBody{u.ID, u.Username, orNull(u.GlobalName), u.Bot}
}

func newGuild(g discordsim.GuildView) guildBody {
	body := guildBody{ID: g.ID, Name: g.Name, Unavailable: g.Unavailable, Members: g.Members, Channels: []channelBody{}, Roles: []roleBody{}}
	for _, ch := range g.Channels {
		body.Channels = append(body.Channels, newChannel(ch))
	}
	for _, r := range g.Roles {
		body.Roles = append(body.Roles, roleBody{r.ID, r.Name, r.Color, r.Position})
	}
	return body
}

func newChannel(ch discordsim.ChannelView) channelBody {
	body := channelBody{ID: ch.ID, GuildID: orNull(ch.Guild), Name: ch.Name, Type: ch.Type, ParentID: orNull(ch.Parent)}
	if ch.Guild != 0 && ch.Position >= 0 {
		body.Position = &ch.Position
	}
	return body
}

func newMember(m discordsim.MemberView) memberBody {
	roles := m.Roles
	if roles == nil {
		roles = []discordsim.ID{}
	}
	return memberBody{newUser(m.Profile), orNull(m.Nick), roles, m.Status, orNull(m.Voice)}
}

// orNull is null for the zero value.
func orNull[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

// members lists the members of a guild, by id.
func (h *Handler) members(r *http.Request) (any, error) {
	ref, err := queryRef(r, "guild")
	if err != nil {
		return nil, err
	}
	after, err := queryID(r, "after")
	if err != nil {
		return nil, err
	}
	limit, err := queryLimit(r, fewMembers, mostEntries)
	if err != nil {
		return nil, err
	}
	g, err := h.guild(ref)
	if err != nil {
		return nil, err
	}
	page, _ := h.opts.Sim.GuildMembers(g.ID, after, limit)
	body := []memberBody{}
	for _, m := range page {
		body = append(body, newMember(m))
	}
	return body, nil
}

// messages lists messages of a channel, oldest first.
func (h *Handler) messages(r *http.Request) (any, error) {
	ref, err := queryRef(r, "channel")
	if err != nil {
		return nil, err
	}
	after, err := queryID(r, "after")
	if err != nil {
		return nil, err
	}
	before, err := queryID(r, "before")
	if err != nil {
		return nil, err
	}
	if after != 0 && before != 0 {
		return nil, api.BadRequest(`"after" and "before": give one of them, and read on from the last id of the answer.`)
	}
	limit, err := queryLimit(r, fewMessages, mostEntries)
	if err != nil {
		return nil, err
	}
	ch, err := h.channel(ref)
	if err != nil {
		return nil, err
	}
	page, known := h.opts.Sim.MessageObjects(ch.ID, after, before, limit)
	if !known {
		return nil, notFound("channel", ref, "", inWorld) // it was deleted meanwhile
	}
	return page, nil
}

// commands lists the commands of a bot that can be used in a channel.
func (h *Handler) commands(r *http.Request) (any, error) {
	ref, err := queryRef(r, "channel")
	if err != nil {
		return nil, err
	}
	app, err := h.bot(reference(r.URL.Query().Get("bot")))
	if err != nil {
		return nil, err
	}
	ch, err := h.channel(ref)
	if err != nil {
		return nil, err
	}
	list, sees := h.opts.Sim.CommandObjects(app, ch.ID)
	if !sees {
		return []json.RawMessage{}, nil // what a bot does not see cannot be asked there
	}
	return list, nil
}
