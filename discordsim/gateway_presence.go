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
func (s *Sim) visibleStatus(p presence) string {
	switch {
	case p.status == "offline" && !s.cfg.OfflineHides:
		return "online"
	case p.status == "invisible":
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
	p, ok := c.readPresence(d)
	if !ok || len(d) == 0 || isNull(d) {
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

// presenceAdvice is what a presence has that Discord takes and does not document.
const presenceAdvice = advice + "a presence has since, activities, status and afk, and an activity a name and a type"

// readPresence reads op 3 or the presence of IDENTIFY; false for one that cannot be
// decoded. Libraries leave fields out, send null or "" for none, or one activity under
// the old name "game". Discord has taken all of that for years, so it is only advice.
func (c *conn) readPresence(raw json.RawMessage) (presence, bool) {
	p := presence{status: "online", activities: []any{}}
	if len(raw) == 0 || isNull(raw) {
		return p, true
	}
	var in struct {
		Since      *float64          `json:"since"`
		Activities *[]map[string]any `json:"activities"`
		Game       map[string]any    `json:"game"`
		Status     *string           `json:"status"`
		AFK        *bool             `json:"afk"`
	}
	if json.Unmarshal(raw, &in) != nil {
		return p, false
	}
	documented := in.Activities != nil && in.Status != nil && *in.Status != ""
	if in.Status != nil && *in.Status != "" {
		p.status = *in.Status
	}
	if !presenceStatuses[p.status] {
		return p, false
	}
	activities := []map[string]any{in.Game}
	if in.Activities != nil {
		activities = *in.Activities
	}
	for _, a := range activities {
		shown, plain, ok := readActivity(a)
		if !ok {
			return p, false
		}
		documented = documented && plain
		if shown != nil {
			shown["created_at"] = time.Now().UnixMilli()
			p.activities = append(p.activities, shown)
		}
	}
	if !documented {
		c.sim.violate(c, "G-102", presenceAdvice)
	}
	return p, true
}

// readActivity reads an activity as others see it: nil for one without a name. plain
// says that it has what is documented and no more, ok that it can be decoded.
func readActivity(a map[string]any) (shown map[string]any, plain, ok bool) {
	shown, plain = map[string]any{"type": 0.0}, a["name"] != nil && a["type"] != nil
	for field, value := range a {
		switch {
		case value == nil:
		case !activityFields[field]:
			plain = false
		default:
			_, isText := value.(string)
			if _, isNumber := value.(float64); isText == (field == "type") || isNumber != (field == "type") {
				return nil, false, false
			}
			shown[field] = value
		}
	}
	if name, _ := shown["name"].(string); name == "" {
		return nil, false, true
	}
	return shown, plain, true
}
