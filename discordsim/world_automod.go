package discordsim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The triggers and actions of auto-moderation rules that act here. What is spam, what the
// keywords of Discord's own lists are and what a profile says is not played.
const (
	triggerKeyword  = 1
	triggerMentions = 5

	actionBlock   = 1
	actionAlert   = 2
	actionTimeout = 3

	typeModeration = 24
)

// ruleTrigger is trigger_metadata.
type ruleTrigger struct {
	Keywords []string `json:"keyword_filter"`
	Patterns []string `json:"regex_patterns"`
	Allowed  []string `json:"allow_list"`
	Mentions int      `json:"mention_total_limit"`
}

// ruleAction is one of actions.
type ruleAction struct {
	Type     int `json:"type"`
	Metadata struct {
		Channel  ID    `json:"channel_id"`
		Duration int64 `json:"duration_seconds"`
	} `json:"metadata"`
}

// moderate holds a person's message against the rules of its guild. It reports whether one
// of them keeps the message from being sent. Bots, and who manages the guild, are exempt.
func (s *Sim) moderate(m *Message) (blocked bool) {
	g := m.Channel.Guild
	if g == nil || m.WebhookID != 0 || m.Author.Bot || s.permissions(g, m.Author.ID)&(permissionManageGuild|permissionAdministrator) != 0 {
		return false
	}
	for _, rule := range slices.Clone(g.resources[autoModeration]) {
		channels, _ := rule.fields["exempt_channels"].([]ID)
		roles, _ := rule.fields["exempt_roles"].([]ID)
		holds := slices.ContainsFunc(g.member(m.Author.ID).Roles, func(id ID) bool { return slices.Contains(roles, id) })
		if rule.fields["enabled"] != true || holds || slices.Contains(channels, m.Channel.ID) || slices.Contains(channels, m.Channel.Parent) {
			continue
		}
		if keyword, text, hit := rule.matches(m); hit {
			blocked = s.enforce(rule, m, keyword, text) || blocked
		}
	}
	return blocked
}

// matches holds a message against one rule: which keyword or pattern it has, and the text
// that fits it.
func (x *resource) matches(m *Message) (keyword, text string, hit bool) {
	var t ruleTrigger
	raw, _ := x.fields["trigger_metadata"].(json.RawMessage)
	_ = json.Unmarshal(raw, &t) // what is malformed matches nothing
	switch x.number("trigger_type") {
	case triggerKeyword:
		for _, word := range t.Keywords {
			found := findKeyword(word, m.Content)
			if found != "" && !slices.ContainsFunc(t.Allowed, func(ok string) bool { return findKeyword(ok, found) != "" }) {
				return word, found, true
			}
		}
		for _, pattern := range t.Patterns {
			// Discord's patterns are Rust's; the few that Go cannot read match nothing.
			if re, err := regexp.Compile("(?i)" + pattern); err == nil && re.MatchString(m.Content) {
				return pattern, re.FindString(m.Content), true
			}
		}
	case triggerMentions:
		if n := len(m.Pinged) + len(m.PingedRoles); t.Mentions > 0 && n > t.Mentions {
			return "", "", true
		}
	}
	return "", "", false
}

// findKeyword finds a keyword in a text: a whole word, or any that begins or ends with it
// where a * stands.
func findKeyword(word, text string) string {
	const letter, edge = `[\pL\pM\pN_]`, `[^\pL\pM\pN_]`
	before, after := "", ""
	if strings.HasPrefix(word, "*") {
		before = letter + "*"
	}
	if strings.HasSuffix(word, "*") {
		after = letter + "*"
	}
	re := regexp.MustCompile("(?i)(?:^|" + edge + ")(" + before + regexp.QuoteMeta(strings.Trim(word, "*")) + after + ")(?:$|" + edge + ")")
	if hit := re.FindStringSubmatch(text); hit != nil {
		return hit[1]
	}
	return ""
}

// enforce does what a rule says and tells who manages the guild of each action.
func (s *Sim) enforce(rule *resource, m *Message, keyword, text string) (blocked bool) {
	g := rule.guild
	var actions []ruleAction
	raw, _ := rule.fields["actions"].(json.RawMessage)
	_ = json.Unmarshal(raw, &actions) // checked when the rule was made
	blocked = slices.ContainsFunc(actions, func(a ruleAction) bool { return a.Type == actionBlock })
	for i, action := range actions {
		event := map[string]any{
			"guild_id": g.ID, "action": asIs(raw, i), "rule_id": rule.id, "rule_trigger_type": rule.number("trigger_type"), "user_id": m.Author.ID,
			"channel_id": m.Channel.ID, "content": m.Content, "matched_keyword": orNull(keyword), "matched_content": orNull(text),
		}
		if !blocked {
			event["message_id"] = m.ID
		}
		switch action.Type {
		case actionAlert:
			if ch := s.channels[action.Metadata.Channel]; ch != nil && ch.Guild == g {
				alert := &Message{ID: s.newID(), Channel: ch, Author: m.Author, Type: typeModeration, Timestamp: time.Now()}
				alert.setExtra("embeds", marshal([]any{map[string]any{"type": "auto_moderation_message", "description": m.Content, "fields": []any{
					map[string]any{"name": "rule_name", "value": rule.fields["name"], "inline": false},
					map[string]any{"name": "channel_id", "value": m.Channel.ID, "inline": false},
					map[string]any{"name": "keyword", "value": keyword, "inline": false},
					map[string]any{"name": "keyword_matched_content", "value": text, "inline": false},
				}}}))
				s.storeMessage(alert)
				s.emitMessage("MESSAGE_CREATE", alert)
				event["alert_system_message_id"] = alert.ID
			}
		case actionTimeout:
			g.editMember(m.Author.ID).TimedOutUntil = time.Now().Add(time.Duration(action.Metadata.Duration) * time.Second)
			s.emitMember(g, m.Author.ID)
		}
		for _, app := range slices.Clone(s.inGuild[g.ID]) {
			if s.permissions(g, app.Bot.ID)&permissionManageGuild != 0 {
				s.emit(app, g, nil, "AUTO_MODERATION_ACTION_EXECUTION", event)
			}
		}
	}
	return blocked
}

// asIs is one entry of a list as it was sent.
func asIs(list json.RawMessage, i int) json.RawMessage {
	var all []json.RawMessage
	if json.Unmarshal(list, &all) != nil || i >= len(all) {
		return json.RawMessage("{}")
	}
	return all[i]
}
