package discordsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// resolved turns what a person chose into ids, and collects the objects that Discord sends
// along with them.
type resolved struct {
	sim  *Sim
	app  *App
	ch   *Channel
	who  User
	site string // where uploaded files can be fetched

	users, members, roles, channels, messages, attachments map[ID]any
}

func (s *Sim) newResolved(app *App, ch *Channel, who User, site string) *resolved {
	return &resolved{
		sim: s, app: app, ch: ch, who: who, site: site,
		users: map[ID]any{}, members: map[ID]any{}, roles: map[ID]any{}, channels: map[ID]any{}, messages: map[ID]any{}, attachments: map[ID]any{},
	}
}

// render is the resolved data; nil when there is none.
func (f *resolved) render() map[string]any {
	out := map[string]any{}
	for name, found := range map[string]map[ID]any{
		"users": f.users, "members": f.members, "roles": f.roles, "channels": f.channels, "messages": f.messages, "attachments": f.attachments,
	} {
		if len(found) > 0 {
			out[name] = found
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// user finds a user by id, mention or name.
func (f *resolved) user(v any) (ID, error) {
	id := f.findUser(v)
	u, known := f.sim.users[id]
	if !known {
		return 0, fmt.Errorf("there is no user %q", textOf(v))
	}
	f.addUser(u)
	return id, nil
}

func (f *resolved) addUser(u User) {
	f.users[u.ID] = f.sim.rest.renderUser(u)
	g := f.ch.Guild
	if g == nil || !g.hasMember(u.ID) {
		return
	}
	member := f.sim.bareMember(g, u.ID)
	delete(member, "deaf")
	delete(member, "mute")
	member["permissions"] = decimal(f.sim.permissionsIn(f.ch, u.ID))
	f.members[u.ID] = member
}

// role finds a role of the guild by id, mention or name.
func (f *resolved) role(v any) (ID, error) {
	g := f.ch.Guild
	if g == nil {
		return 0, errors.New("there are no roles in direct messages")
	}
	id, named := idOf(v), strings.TrimPrefix(textOf(v), "@")
	for _, r := range g.Roles {
		if r.ID == id || id == 0 && strings.TrimPrefix(r.Name, "@") == named {
			f.roles[r.ID] = renderRole(r)
			return r.ID, nil
		}
	}
	return 0, fmt.Errorf("there is no role %q in the guild", textOf(v))
}

// mentionable finds a user or a role.
func (f *resolved) mentionable(v any) (ID, error) {
	if f.ch.Guild != nil {
		if id, err := f.role(v); err == nil {
			return id, nil
		}
	}
	if id, err := f.user(v); err == nil {
		return id, nil
	}
	return 0, fmt.Errorf("there is no user or role %q", textOf(v))
}

// channel finds a channel that the person sees, by id, mention or name. Without kinds it may be
// of any type.
func (f *resolved) channel(v any, kinds []int) (ID, error) {
	g := f.ch.Guild
	if g == nil {
		return 0, errors.New("there are no channels to choose in direct messages")
	}
	id, named := idOf(v), strings.TrimPrefix(textOf(v), "#")
	for _, ch := range slices.Concat(g.Channels, g.threads) {
		if ch.ID != id && (id != 0 || ch.Name != named) {
			continue
		}
		switch {
		case !f.sim.personSees(ch, f.who.ID):
			return 0, fmt.Errorf("%s does not see the channel #%s", f.who.Username, ch.Name)
		case len(kinds) > 0 && !slices.Contains(kinds, ch.Type):
			return 0, fmt.Errorf("the channel #%s has the type %d; allowed are %v", ch.Name, ch.Type, kinds)
		}
		f.channels[ch.ID] = f.sim.partialChannel(f.app, ch, f.who.ID)
		return ch.ID, nil
	}
	return 0, fmt.Errorf("there is no channel %q in the guild", textOf(v))
}

// message adds a message.
func (f *resolved) message(m *Message) {
	f.messages[m.ID] = f.sim.rest.renderFor(f.app, m, true)
	f.addUser(f.sim.user(m.Author.ID))
}

// attachment uploads a file.
func (f *resolved) attachment(v any) (ID, error) {
	up, err := fileOf(v)
	if err != nil {
		return 0, err
	}
	if f.ch.Guild != nil && f.sim.permissionsIn(f.ch, f.who.ID)&permissionAttach == 0 {
		return 0, fmt.Errorf("%s may not attach files in #%s: ATTACH_FILES is missing", f.who.Username, f.ch.Name)
	}
	if limit := f.sim.rest.cfg.FileLimit; limit >= 0 && int64(len(up.Data)) > limit {
		return 0, fmt.Errorf("the file %q has %d bytes; at most %d are allowed", up.Name, len(up.Data), limit)
	}
	shown := f.sim.rest.keepUpload(f.ch.ID, file{name: up.Name, kind: up.ContentType, size: int64(len(up.Data)), data: up.Data}, attachmentOrder{}, f.site)
	shown["ephemeral"] = true
	id, _ := shown["id"].(ID)
	f.attachments[id] = shown
	return id, nil
}

// fileOf reads a File, or the JSON object of one.
func fileOf(v any) (up File, err error) {
	switch v := v.(type) {
	case File:
		up = v
	case *File:
		if v != nil {
			up = *v
		}
	case map[string]any:
		if json.Unmarshal(marshal(v), &up) != nil {
			return up, errors.New("the file is no object of filename, content_type and data, which is in base64")
		}
	default:
		return up, fmt.Errorf("%T is no File", v)
	}
	if up.Name == "" {
		return up, errors.New("the file has no name")
	}
	return up, nil
}

// findUser finds a user by id or mention, or by name: of the guild's members, or of the two
// ends of a direct message. It is 0 if there is none.
func (f *resolved) findUser(v any) ID {
	if u, is := v.(User); is {
		return u.ID
	}
	if id := idOf(v); id != 0 {
		return id
	}
	named := strings.TrimPrefix(textOf(v), "@")
	if f.ch.Guild == nil {
		for _, u := range []User{f.who, f.app.Bot} {
			if u.Username == named || u.GlobalName == named {
				return u.ID
			}
		}
		return 0
	}
	for _, id := range f.ch.Guild.Members {
		if f.sim.user(id).Username == named {
			return id
		}
	}
	for _, id := range f.ch.Guild.Members {
		if f.sim.displayName(f.ch.Guild, id) == named {
			return id
		}
	}
	return 0
}

var anyMention = regexp.MustCompile(`^<(?:@[!&]?|#)([0-9]{1,20})>$`)

// idOf reads an id, also as text or as a mention; 0 if it is none.
func idOf(v any) ID {
	if id, is := v.(ID); is {
		return id
	}
	text := textOf(v)
	if hit := anyMention.FindStringSubmatch(text); hit != nil {
		text = hit[1]
	}
	var id ID
	if id.UnmarshalJSON([]byte(text)) != nil {
		return 0
	}
	return id
}
