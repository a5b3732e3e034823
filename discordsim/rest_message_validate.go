package discordsim

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The limits of one message (S-090).
const (
	maxContent     = 2000
	maxNonce       = 25
	maxEmbeds      = 10
	maxEmbedSum    = 6000
	maxMentionIDs  = 100
	maxStickers    = 3
	maxRows        = 5
	maxV2Parts     = 40
	maxAttachments = 10
)

// Message flags.
const (
	flagCrossposted           = 1 << 0
	flagSuppressEmbeds        = 1 << 2
	flagHasThread             = 1 << 5
	flagEphemeral             = 1 << 6
	flagLoading               = 1 << 7
	flagSuppressNotifications = 1 << 12
	flagVoiceMessage          = 1 << 13
	flagHasSnapshot           = 1 << 14
	flagComponentsV2          = 1 << 15
)

// draft is a message of a client, checked but not sent yet.
type draft struct {
	content   string
	nonce     json.RawMessage
	enforce   bool
	flags     int
	extra     map[string]json.RawMessage
	mentions  mentions
	reference reference
	empty     bool // nothing at all to show

	poll        *poll
	attachments []attachmentOrder // nil: nothing is said about them
	files       []file
	site        string // where the client reaches the simulator
}

// reference is message_reference: what is answered or forwarded.
type reference struct {
	given, forward bool
	message        ID
	channel        ID
	mayNotExist    bool
}

// mentions is allowed_mentions: who may be pinged.
type mentions struct {
	given       bool
	parse       map[string]bool
	users       []ID
	roles       []ID
	repliedUser bool
}

// extraFields are what a message can show besides content; passed through as
// they are once they have been checked.
var extraFields = []string{"embeds", "components", "sticker_ids", "poll", "shared_client_theme"}

// settable are the flags a client may set, by where it sends.
const (
	settable            = flagSuppressEmbeds | flagSuppressNotifications | flagVoiceMessage | flagComponentsV2
	settableInteraction = settable | flagEphemeral
)

// readDraft checks every field of a message create or edit. An edit may say
// null to clear a field.
func (r *restAPI) readDraft(c *restRequest, f *form, mayset int) draft {
	return r.readEdit(c, f, mayset, nil)
}

// readEdit is readDraft for the edit of a message, which keeps the new kind of components.
func (r *restAPI) readEdit(c *restRequest, f *form, mayset int, m *Message) draft {
	d := draft{extra: map[string]json.RawMessage{}, mentions: readMentions(f), reference: readReference(f), files: c.files, site: r.sim.siteURL(c.req)}
	d.content = strings.TrimSpace(f.text("content", maxContent))
	d.enforce = f.truth("enforce_nonce")
	if f.truth("tts") {
		d.extra["tts"] = json.RawMessage("true")
	}
	d.nonce = readNonce(f)
	d.flags = int(f.integer("flags")) & mayset
	for _, name := range extraFields {
		if f.given(name) {
			d.extra[name] = f.fields[name]
		}
	}
	for name, render := range map[string]func(json.RawMessage) json.RawMessage{"embeds": renderEmbeds, "components": renderMessageComponents} {
		if f.has(name) {
			d.extra[name] = render(f.fields[name])
		}
	}
	checkEmbeds(f)
	f.ids("sticker_ids", maxStickers)
	v2 := d.flags&flagComponentsV2 != 0 || m != nil && m.Flags&flagComponentsV2 != 0
	checkComponents(f, v2)
	d.poll = readPoll(f, c.now)
	if v2 {
		for _, name := range []string{"content", "embeds", "sticker_ids", "poll"} {
			if f.has(name) && string(f.fields[name]) != `""` && string(f.fields[name]) != "[]" {
				f.refuse(name, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "The '%s' field cannot be used when using MessageFlags.IS_COMPONENTS_V2", name)
			}
		}
	}
	d.attachments = readAttachments(f)
	d.empty = d.content == "" && len(d.files) == 0 && !slices.ContainsFunc(extraFields, func(name string) bool {
		raw, ok := d.extra[name]
		return ok && !isNull(raw) && string(raw) != "[]"
	})
	return d
}

// readNonce takes a string or a whole number of at most 25 characters.
func readNonce(f *form) json.RawMessage {
	if !f.has("nonce") {
		return nil
	}
	raw := f.fields["nonce"]
	var s string
	if json.Unmarshal(raw, &s) != nil {
		if _, isNumber := new(big.Int).SetString(string(raw), 10); !isNumber {
			f.refuse("nonce", "NONCE_TYPE_INVALID", "Nonce must be an integer or a string.")
			return nil
		}
		s = string(raw)
	}
	if utf8.RuneCountInString(s) > maxNonce {
		f.refuse("nonce", "BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", maxNonce)
	}
	return raw
}

// readMentions checks allowed_mentions: naming a kind in parse and giving a
// list of it contradict each other.
func readMentions(f *form) mentions {
	m := mentions{given: f.has("allowed_mentions"), parse: map[string]bool{}}
	if !m.given {
		return m
	}
	a := f.sub("allowed_mentions")
	for i, raw := range a.list("parse", 0) {
		var kind string
		_ = json.Unmarshal(raw, &kind) // anything but a string is no choice either
		if kind != "roles" && kind != "users" && kind != "everyone" {
			a.refuse("parse."+strconv.Itoa(i), "BASE_TYPE_CHOICES", "Value must be one of ('users', 'roles', 'everyone').")
		}
		m.parse[kind] = true
	}
	m.users = a.ids("users", maxMentionIDs)
	m.roles = a.ids("roles", maxMentionIDs)
	m.repliedUser = a.truth("replied_user")
	exclusive := func(kind string, ids []ID) {
		if m.parse[kind] && len(ids) > 0 {
			a.refuse("", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", `parse:["%s"] and %s: [ids...] are mutually exclusive.`, kind, kind)
		}
	}
	exclusive("users", m.users)
	exclusive("roles", m.roles)
	return m
}

func readReference(f *form) reference {
	if !f.has("message_reference") {
		return reference{}
	}
	m := f.sub("message_reference")
	ref := reference{given: true, channel: m.id("channel_id"), mayNotExist: m.has("fail_if_not_exists") && !m.truth("fail_if_not_exists")}
	m.id("guild_id")
	switch m.integer("type") {
	case 0:
	case 1:
		ref.forward = true
		m.require("channel_id")
	default:
		m.refuse("type", "BASE_TYPE_CHOICES", "Value must be one of (0, 1).")
	}
	if m.require("message_id") {
		ref.message = m.id("message_id")
	}
	return ref
}

// embedTexts are the length limits inside an embed; all of them count towards
// the sum.
var embedTexts = []struct {
	object, field string
	most          int
}{
	{"", "title", 256}, {"", "description", 4096}, {"footer", "text", 2048}, {"author", "name", 256},
}

func checkEmbeds(f *form) {
	sum := 0
	for _, e := range f.each("embeds", maxEmbeds) {
		count := func(in *form, field string, most int) {
			sum += utf8.RuneCountInString(strings.TrimSpace(in.text(field, most)))
		}
		for _, t := range embedTexts {
			in := e
			if t.object != "" {
				in = e.sub(t.object)
			}
			count(in, t.field, t.most)
		}
		for _, field := range e.each("fields", 25) {
			if field.require("name") {
				count(field, "name", 256)
			}
			if field.require("value") {
				count(field, "value", 1024)
			}
		}
		if e.has("color") {
			if n := e.integer("color"); n < 0 || n > 0xFFFFFF {
				e.refuse("color", "NUMBER_TYPE_MAX", "int value should be less than or equal to %d.", 0xFFFFFF)
			}
		}
	}
	if sum > maxEmbedSum {
		f.refuse("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of %d", maxEmbedSum)
	}
}
