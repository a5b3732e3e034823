package discordsim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// inactive lists the members of a guild that a prune would kick: people who have no role
// but those named, have been there for so many days, are neither online nor in voice and have said
// nothing in that time.
func (s *Sim) inactive(g *Guild, days int64, roles []ID) (out []ID) {
	since := time.Now().Add(-time.Duration(days) * 24 * time.Hour)
	active := map[ID]bool{}
	for _, ch := range slices.Concat(g.Channels, g.threads) {
		for _, m := range slices.Backward(s.history[ch.ID]) {
			if m.Timestamp.Before(since) {
				break
			}
			active[m.Author.ID] = true
		}
	}
	for _, id := range g.Members {
		m := g.member(id)
		holds := slices.ContainsFunc(m.Roles, func(role ID) bool { return !slices.Contains(roles, role) })
		status, _ := s.presenceOf(id)
		if !holds && !active[id] && status == "offline" && g.voice[id] == nil && id != g.OwnerID && !s.user(id).Bot && m.Joined.Before(since) {
			out = append(out, id)
		}
	}
	return out
}

// countInactive is GET /guilds/{guild}/prune.
func (r *restAPI) countInactive(c *restRequest, g *Guild) restResponse {
	var wrong formErrors
	days := int64(7)
	if c.query.Has("days") {
		n, err := strconv.ParseInt(c.query.Get("days"), 10, 64)
		if days = n; err != nil || n < 1 || n > 30 {
			wrong.add("days", "NUMBER_TYPE_MAX", "int value should be between 1 and 30.")
		}
	}
	var roles []ID
	for one := range strings.SplitSeq(c.query.Get("include_roles"), ",") {
		if id, err := strconv.ParseUint(one, 10, 64); err == nil {
			roles = append(roles, ID(id))
		} else if one != "" {
			wrong.add("include_roles", "NUMBER_TYPE_COERCE", "Value %q is not snowflake.", clip([]byte(one)))
		}
	}
	if wrong.any() {
		return wrong.answer()
	}
	return ok200(map[string]any{"pruned": len(r.sim.inactive(g, days, roles))})
}

// prune is POST /guilds/{guild}/prune: it kicks the members who are not active.
func (r *restAPI) prune(c *restRequest, g *Guild) restResponse {
	f, days, count := c.form(), int64(7), true
	if f.has("days") {
		days = f.numberIn("days", 1, 30)
	}
	if f.has("compute_prune_count") {
		count = f.truth("compute_prune_count")
	}
	roles := f.ids("include_roles", 0)
	if f.errors.any() {
		return f.errors.answer()
	}
	gone := r.sim.inactive(g, days, roles)
	for _, id := range gone {
		c.emit(r.sim.removeMember(g, id))
	}
	r.audit(c, g, auditMemberPrune, 0, map[string]any{"delete_member_days": strconv.FormatInt(days, 10), "members_removed": strconv.Itoa(len(gone))})
	if !count {
		return ok200(map[string]any{"pruned": nil})
	}
	return ok200(map[string]any{"pruned": len(gone)})
}
