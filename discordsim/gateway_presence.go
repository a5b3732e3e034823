package discordsim

import (
	"encoding/json"
	"fmt"
	"time"
)

// presence is what a session shows (S-031).
type presence struct {
	status     string
	activities []any
}

// visibleStatus is the status as others see it.
func (p presence) visibleStatus() string {
	switch p.status {
	case "invisible", "offline":
		return "offline"
	}
	return p.status
}

// activityText is the text under the bot's name.
func (p presence) activityText() string {
	if len(p.activities) == 0 {
		return ""
	}
	fields, _ := p.activities[0].(map[string]any)
	text, _ := fields["name"].(string)
	if kind, _ := fields["type"].(float64); kind == 4 {
		text, _ = fields["state"].(string)
	}
	return text
}

// setPresence handles op 3 (S-076).
func (c *conn) setPresence(d json.RawMessage) {
	s, sess := c.sim, c.session
	p, ok := c.readPresence(d, false)
	if !ok {
		s.violate(c, "G-102", "a presence update is malformed")
		c.close(4002, reasonDecode)
		return
	}
	now := time.Now()
	for len(sess.presenceUpdates) > 0 && now.Sub(sess.presenceUpdates[0]) >= s.cfg.Limits.PresenceWindow {
		sess.presenceUpdates = sess.presenceUpdates[1:]
	}
	t := &sess.bot.counts
	t.MaxPresences = max(t.MaxPresences, len(sess.presenceUpdates)+1)
	if s.cfg.Limits.Presences > 0 && len(sess.presenceUpdates) >= s.cfg.Limits.Presences {
		s.violate(c, "G-101", fmt.Sprintf("more than %d presence updates came in %s", s.cfg.Limits.Presences, s.cfg.Limits.PresenceWindow))
		return
	}
	sess.presenceUpdates = append(sess.presenceUpdates, now)
	sess.presence = p
	sess.bot.updateVisible()
}

// presenceStatuses are the statuses a client may send.
var presenceStatuses = map[string]bool{"online": true, "dnd": true, "idle": true, "invisible": true, "offline": true}

// activityFields are what a bot may set.
var activityFields = map[string]bool{"name": true, "type": true, "state": true, "url": true}

// readPresence reads op 3, which has all four fields, or the presence of
// IDENTIFY, which may be absent. Fields of an activity that no bot may set are
// recorded and left out.
func (c *conn) readPresence(raw json.RawMessage, identifying bool) (presence, bool) {
	if len(raw) == 0 || isNull(raw) {
		return presence{status: "online", activities: []any{}}, identifying
	}
	var in struct {
		Since      json.RawMessage   `json:"since"`
		Activities *[]map[string]any `json:"activities"`
		Status     *string           `json:"status"`
		AFK        *bool             `json:"afk"`
	}
	err := json.Unmarshal(raw, &in)
	if err == nil && identifying && in.Status != nil && *in.Status == "" && in.Activities == nil {
		// discordgo sends such an empty form with every IDENTIFY, and Discord
		// takes it for none.
		return presence{status: "online", activities: []any{}}, true
	}
	if err != nil || in.Status == nil || !presenceStatuses[*in.Status] || in.Activities == nil {
		return presence{}, false
	}
	var since int64
	if in.Since != nil && json.Unmarshal(in.Since, &since) != nil {
		return presence{}, false
	}
	if !identifying && (in.AFK == nil || in.Since == nil) {
		return presence{}, false
	}
	p := presence{status: *in.Status, activities: []any{}}
	unknownFields := false
	for _, a := range *in.Activities {
		name, _ := a["name"].(string)
		if _, typed := a["type"].(float64); name == "" || !typed {
			return presence{}, false
		}
		shown := map[string]any{}
		for field, value := range a {
			if activityFields[field] {
				shown[field] = value
			} else {
				unknownFields = true
			}
		}
		p.activities = append(p.activities, shown)
	}
	if unknownFields {
		c.sim.violate(c, "G-102", "an activity has fields no bot may set")
	}
	return p, true
}
