package simapi

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"evergreen/discordsim"
	"evergreen/internal/text"
	"evergreen/internal/web/api"
)

// maxName is how many characters a user name may have.
const maxName = 32

// memberRequest is a person who joins a guild.
type memberRequest struct {
	Guild reference `json:"guild" need:"the id or name of a guild of GET /sim/world"`
	Name  reference `json:"name" need:"the name of a new person, or the name or id of one there is"`
}

// addMember lets a person join a guild; a name that no one has makes a new person.
func (h *Handler) addMember(_ *http.Request, in memberRequest) (any, error) {
	g, err := h.guild(in.Guild)
	if err != nil {
		return nil, err
	}
	who, err := h.person(in.Name)
	if err == nil {
		if _, is := h.opts.Sim.GuildMember(g.ID, who.ID); is {
			return nil, fmt.Errorf("%s is a member of %s already", who.Username, quote(g.Name))
		}
	} else {
		if who.Bot {
			return nil, err
		}
		name := string(in.Name)
		if n := utf8.RuneCountInString(name); n < 2 || n > maxName || text.OneLine(name) != name || strings.HasPrefix(name, "@") {
			return nil, api.BadRequest(fmt.Sprintf(`"name" has to be a name of 2 to %d characters on one line, not %s.`, maxName, quote(name)))
		}
		who = h.opts.Sim.AddUser(name)
	}
	h.opts.Sim.AddMembers(g.Guild, who)
	if err != nil { // somebody new, whom others see online
		if err := h.opts.Sim.SetPresence(who.ID, "online"); err != nil {
			return nil, err
		}
	}
	m, _ := h.opts.Sim.GuildMember(g.ID, who.ID)
	return created{newMember(m)}, nil
}

// removeMember lets a person leave a guild, or the bot be thrown out of it.
func (h *Handler) removeMember(r *http.Request) (any, error) {
	ref, err := queryRef(r, "guild")
	if err != nil {
		return nil, err
	}
	user, err := queryRef(r, "user")
	if err != nil {
		return nil, err
	}
	g, err := h.guild(ref)
	if err != nil {
		return nil, err
	}
	who, err := h.user(user)
	if err != nil {
		return nil, err
	}
	if _, is := h.opts.Sim.GuildMember(g.ID, who.ID); !is {
		return nil, fmt.Errorf("%s is no member of %s", who.Username, quote(g.Name))
	}
	h.opts.Sim.RemoveMembers(g.Guild, who.ID)
	return nil, nil
}

// memberChange is a member as the live stream tells of it.
type memberChange struct {
	GuildID discordsim.ID `json:"guild_id"`
	Removed bool          `json:"removed"`
	memberBody
}
