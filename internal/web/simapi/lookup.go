package simapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"evergreen/discordsim"
	"evergreen/internal/web/api"
)

// notFound is the problem with an id or a name that there is not. Near is the name that
// may have been meant.
func notFound(kind string, ref reference, near, listed string) api.Problem {
	p := api.Problem{Title: "Not found", Status: http.StatusNotFound, Detail: "There is no " + kind + " " + quote(string(ref))}
	if near != "" {
		p.Detail += "; did you mean " + quote(near) + "? "
	} else {
		p.Detail += ". "
	}
	p.Detail += listed
	return p
}

// inWorld is where people, guilds and channels are listed.
const inWorld = "GET /sim/world lists what there is."

// bot finds a bot by its id or name; none named is the first.
func (h *Handler) bot(ref reference) (*discordsim.App, error) {
	if ref == "" {
		return h.opts.Apps[0], nil
	}
	id, _ := ref.id()
	var names []string
	for _, app := range h.opts.Apps {
		if app.ID == id || app.Name == string(ref) {
			return app, nil
		}
		names = append(names, app.Name)
	}
	return nil, notFound("bot", ref, nearest(string(ref), names), inWorld)
}

// person finds a person by the id or the name.
func (h *Handler) person(ref reference) (discordsim.User, error) {
	u, err := h.user(ref)
	if err == nil && u.Bot {
		err = api.BadRequest(fmt.Sprintf("%s is a bot, and acts by its own connection; people are listed by GET /sim/world.", quote(u.Username)))
	}
	return u, err
}

// user finds a person or a bot by the id or the name.
func (h *Handler) user(ref reference) (discordsim.User, error) {
	if id, is := ref.id(); is {
		if u, known := h.opts.Sim.User(id); known {
			return u, nil
		}
	}
	all := h.opts.Sim.Users()
	for _, app := range h.opts.Apps {
		all = append(all, app.Bot)
	}
	var names []string
	for _, u := range all {
		if u.Username == string(ref) {
			return u, nil
		}
		names = append(names, u.Username)
	}
	return discordsim.User{}, notFound("person", ref, nearest(string(ref), names), inWorld)
}

// guild finds a guild by its id or name.
func (h *Handler) guild(ref reference) (discordsim.GuildView, error) {
	if id, is := ref.id(); is {
		if g, known := h.opts.Sim.Guild(id); known {
			return g, nil
		}
	}
	var names []string
	for _, g := range h.opts.Sim.Guilds() {
		if g.Name == string(ref) {
			return g, nil
		}
		names = append(names, g.Name)
	}
	return discordsim.GuildView{}, notFound("guild", ref, nearest(string(ref), names), inWorld)
}

// channel finds a channel by its id, or by its name where only one has it; the guild's
// name and a slash may stand before that.
func (h *Handler) channel(ref reference) (discordsim.ChannelView, error) {
	if id, is := ref.id(); is {
		if ch, known := h.opts.Sim.Channel(id); known {
			return ch, nil
		}
	}
	var names, named []string
	var found discordsim.ChannelView
	for _, g := range h.opts.Sim.Guilds() {
		for _, ch := range g.Channels {
			if full := g.Name + "/" + ch.Name; string(ref) == ch.Name || string(ref) == full {
				found = ch
				named = append(named, ch.ID.String()+" ("+full+")")
			}
			names = append(names, ch.Name)
		}
	}
	switch len(named) {
	case 0:
		return found, notFound("channel", ref, nearest(string(ref), names), inWorld)
	case 1:
		return found, nil
	}
	const most = 5
	if len(named) > most {
		named = append(named[:most], "...")
	}
	return found, api.BadRequest(fmt.Sprintf("%s is the name of several channels; give the id of one: %s.", quote(string(ref)), strings.Join(named, ", ")))
}

// message is what of a message decides who may do what with it.
type message struct {
	object  json.RawMessage
	channel discordsim.ChannelView
	Author  discordsim.User `json:"author"`
	Poll    *struct {
		Answers []json.RawMessage `json:"answers"`
		Results struct {
			Over bool `json:"is_finalized"`
		} `json:"results"`
	} `json:"poll"`
	ChannelID discordsim.ID `json:"channel_id"`
}

// message finds a message.
func (h *Handler) message(id discordsim.ID) (message, error) {
	object, known := h.opts.Sim.MessageObject(id)
	m := message{object: object}
	if known {
		_ = json.Unmarshal(object, &m) // the simulator has made it
		m.channel, known = h.opts.Sim.Channel(m.ChannelID)
	}
	if !known {
		return m, notFound("message", reference(id.String()), "", "It may have been deleted. GET /sim/messages?channel=... lists those there are.")
	}
	return m, nil
}

// messageNow is a message after something was done to it.
func (h *Handler) messageNow(id discordsim.ID) (any, error) {
	m, err := h.message(id)
	return m.object, err
}

// queryID reads an id of the query; 0 if it is not given.
func queryID(r *http.Request, name string) (discordsim.ID, error) {
	given := r.URL.Query().Get(name)
	if given == "" {
		return 0, nil
	}
	id, is := reference(given).id()
	if !is {
		return 0, api.BadRequest(fmt.Sprintf("%s has to be %s, not %s.", quote(name), `an id such as "1234"`, quote(given)))
	}
	return id, nil
}

// queryRef reads a parameter that has to be given.
func queryRef(r *http.Request, name string) (reference, error) {
	given := r.URL.Query().Get(name)
	if given == "" {
		return "", api.BadRequest(fmt.Sprintf("The parameter %s is missing: %s?%s=..., with an id or a name of GET /sim/world.", quote(name), r.URL.Path, name))
	}
	return reference(given), nil
}

// queryLimit reads how many are asked for, 1 to most.
func queryLimit(r *http.Request, otherwise, most int) (int, error) {
	given := r.URL.Query().Get("limit")
	if given == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 || n > most {
		return 0, api.BadRequest(fmt.Sprintf("\"limit\" has to be a whole number from 1 to %d, not %s.", most, quote(given)))
	}
	return n, nil
}
