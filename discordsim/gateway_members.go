package discordsim

import (
	"encoding/json"
	"slices"
	"time"
)

// oneID is an id that may also come as a list of one, as it does from discordgo.
type oneID ID

// UnmarshalJSON reads an id or a list of one.
func (id *oneID) UnmarshalJSON(b []byte) error {
	var list []ID
	if json.Unmarshal(b, &list) != nil || len(list) != 1 {
		return (*ID)(id).UnmarshalJSON(b)
	}
	*id = oneID(list[0])
	return nil
}

// requestMembers handles op 8 (S-079).
func (c *conn) requestMembers(d json.RawMessage) {
	s, sess := c.sim, c.session
	var in struct {
		Guild     oneID           `json:"guild_id"`
		Query     *string         `json:"query"`
		Limit     int             `json:"limit"`
		Users     json.RawMessage `json:"user_ids"`
		Presences bool            `json:"presences"`
		Nonce     string          `json:"nonce"`
	}
	malformed := json.Unmarshal(d, &in) != nil || in.Guild == 0
	byID := len(in.Users) > 0 && !isNull(in.Users)
	if in.Query == nil && !byID && s.cfg.Limits.QueryOptional {
		in.Query = new(string)
	}
	if malformed || in.Query == nil && !byID {
		s.violate(c, "S-018", "a request for members is malformed")
		c.close(4001, reasonOpcode)
		return
	}
	g := s.guilds[ID(in.Guild)]
	if g == nil || !slices.Contains(sess.bot.app.Guilds, g) || !sess.shard.routed(g) {
		return
	}
	if len(in.Nonce) > 32 {
		in.Nonce = "" // as if there were none
	}
	all := !byID && *in.Query == "" && in.Limit == 0
	if all && sess.intents&intentMembers == 0 {
		s.violate(c, "S-078", "all members were asked for without the intent")
		if !s.cfg.Limits.IgnoreAllMembers {
			c.close(4001, reasonOpcode)
		}
		return
	}
	if all {
		now := time.Now()
		if last, before := sess.bot.membersAsked[g.ID]; before && now.Sub(last) < s.cfg.Limits.MembersWindow {
			meta := map[string]any{"guild_id": g.ID}
			if in.Nonce != "" {
				meta["nonce"] = in.Nonce
			}
			sess.dispatch("RATE_LIMITED", marshal(map[string]any{
				"opcode": opMembers, "retry_after": (s.cfg.Limits.MembersWindow - now.Sub(last)).Seconds(), "meta": meta,
			}))
			return
		}
		sess.bot.membersAsked[g.ID] = now
	}
	var found []ID
	var missing []any
	if byID {
		found, missing = g.membersByID(in.Users)
	} else {
		found = s.membersNamed(g, *in.Query, in.Limit)
	}
	const size = 1000
	count := max(1, (len(found)+size-1)/size)
	for i := range count {
		page, members := found[min(i*size, len(found)):min((i+1)*size, len(found))], []any{}
		for _, id := range page {
			members = append(members, s.guildMember(g, s.user(id)))
		}
		chunk := map[string]any{"guild_id": g.ID, "members": members, "chunk_index": i, "chunk_count": count}
		if len(missing) > 0 {
			chunk["not_found"] = missing
		}
		if in.Presences && sess.intents&intentPresences != 0 {
			present := []any{}
			for _, id := range page {
				if shown := s.presenceIn(g, id); shown != nil {
					present = append(present, shown)
				}
			}
			chunk["presences"] = present
		}
		if in.Nonce != "" {
			chunk["nonce"] = in.Nonce
		}
		sess.dispatch("GUILD_MEMBERS_CHUNK", marshal(chunk))
	}
}

// maxFound is how many members a request finds by name or by id.
const maxFound = 100

// membersByID finds members by a list of ids or a single one. What is no member is given back
// as it was asked for.
func (g *Guild) membersByID(users json.RawMessage) (found []ID, missing []any) {
	var ids []json.RawMessage
	if json.Unmarshal(users, &ids) != nil {
		ids = []json.RawMessage{users}
	}
	for _, raw := range ids[:min(maxFound, len(ids))] {
		var id ID
		if json.Unmarshal(raw, &id) == nil && g.hasMember(id) {
			found = append(found, id)
		} else {
			missing = append(missing, raw)
		}
	}
	return found, missing
}

// membersNamed finds the members whose name begins with a query; all of them where it is
// empty and there is no limit.
func (s *Sim) membersNamed(g *Guild, query string, limit int) (found []ID) {
	if query == "" && limit == 0 {
		return g.Members
	}
	limit = max(1, limit)
	if query != "" {
		limit = min(maxFound, limit)
	}
	for _, id := range g.Members {
		if len(found) < limit && s.isNamed(g, id, query) {
			found = append(found, id)
		}
	}
	return found
}

// requestSoundboard handles op 31.
func (c *conn) requestSoundboard(d json.RawMessage) {
	var in struct {
		Guilds []ID `json:"guild_ids"`
	}
	if json.Unmarshal(d, &in) != nil {
		c.close(4001, reasonOpcode)
		return
	}
	for _, id := range in.Guilds {
		if c.session != nil && slices.Contains(c.session.bot.app.Guilds, c.sim.guilds[id]) {
			c.session.dispatch("SOUNDBOARD_SOUNDS", marshal(map[string]any{"guild_id": id, "soundboard_sounds": c.sim.rest.renderResources(soundboard, c.sim.guilds[id])}))
		}
	}
}

// requestChannelInfo handles op 43.
func (c *conn) requestChannelInfo(d json.RawMessage) {
	var in struct {
		Guild ID `json:"guild_id"`
	}
	if json.Unmarshal(d, &in) != nil {
		c.close(4001, reasonOpcode)
		return
	}
	app, g := c.session.bot.app, c.sim.guilds[in.Guild]
	if g == nil || !slices.Contains(app.Guilds, g) {
		return
	}
	channels := []any{}
	for _, ch := range g.Channels {
		if c.sim.sees(app, ch) {
			channels = append(channels, map[string]any{"id": ch.ID, "status": nil})
		}
	}
	c.session.dispatch("CHANNEL_INFO", marshal(map[string]any{"guild_id": g.ID, "channels": channels}))
}
