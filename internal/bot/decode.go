package bot

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/disgoorg/snowflake/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The structs here have the fields of Discord's events that the bot reads. They are
// decoded leniently (G-049, G-109, G-111). An unknown field, a null, a wrong type,
// invalid UTF-8 or a duplicate name costs that field and nothing else. Only an event
// that is not an object, or that lacks an id, a channel, an author or a token, is
// refused.

// lenientJSON makes the decoder accept what Discord should not send.
var lenientJSON = json.JoinOptions(
	jsontext.AllowDuplicateNames(true),
	jsontext.AllowInvalidUTF8(true),
)

// read decodes an event's data.
func read[T any](data []byte) (value T, err error) {
	err = json.Unmarshal(data, &value, lenientJSON)
	return value, err
}

// lenient is a value that may be missing or of another type than documented.
type lenient[T any] struct {
	Value T
	// Wrong tells a value of another type from a missing one.
	Wrong bool
}

// UnmarshalJSONFrom never fails on a well-formed value.
func (l *lenient[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	var value T
	if json.Unmarshal(raw, &value, lenientJSON) != nil {
		var zero T
		*l = lenient[T]{Value: zero, Wrong: true}
		return nil
	}
	*l = lenient[T]{Value: value}
	return nil
}

// id is a snowflake, written as a string or, by some of Discord's payloads, as
// a number. Anything else reads as 0.
type id snowflake.ID

// UnmarshalJSONFrom never fails on a well-formed value.
func (i *id) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	*i = 0
	text := string(raw)
	_ = json.Unmarshal(raw, &text, lenientJSON) // a number stays as it is
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		*i = id(n)
	}
	return nil
}

// String returns the decimal form.
func (i id) String() string { return snowflake.ID(i).String() }

// nonEmpty is whether a field has a value that is neither null nor an empty list,
// object or string.
type nonEmpty bool

// UnmarshalJSONFrom never fails on a well-formed value.
func (s *nonEmpty) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	// raw is the event's memory, which others read: it must not be changed.
	switch raw.Kind() {
	case 'n':
		*s = false
	case '"':
		*s = len(raw) > len(`""`)
	case '[', '{':
		*s = len(bytes.TrimSpace(raw[1:len(raw)-1])) > 0
	default:
		*s = true
	}
	return nil
}

type user struct {
	ID   id                 `json:"id"`
	Name lenient[validText] `json:"username"`
	Bot  lenient[bool]      `json:"bot"`
}

// validText is a string of valid UTF-8.
type validText string

// UnmarshalJSONFrom replaces invalid UTF-8 by U+FFFD; another type is an error,
// which [lenient] forgives.
func (t *validText) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	switch raw.Kind() {
	case 'n':
		*t = ""
		return nil
	case '"':
	default:
		return errors.New("not a string")
	}
	unquoted, _ := jsontext.AppendUnquote(nil, raw) // the error tells of what is replaced
	*t = validText(unquoted)
	return nil
}

type message struct {
	ID        id                       `json:"id"`
	ChannelID id                       `json:"channel_id"`
	GuildID   id                       `json:"guild_id"`
	Author    lenient[user]            `json:"author"`
	Webhook   nonEmpty                 `json:"webhook_id"`
	Type      lenient[int]             `json:"type"`
	Content   lenient[validText]       `json:"content"`
	Flags     lenient[int64]           `json:"flags"`
	Mentions  lenient[[]lenient[user]] `json:"mentions"`

	Attachments nonEmpty `json:"attachments"`
	Embeds      nonEmpty `json:"embeds"`
	Stickers    nonEmpty `json:"sticker_items"`
	Components  nonEmpty `json:"components"`
	Snapshots   nonEmpty `json:"message_snapshots"`
	Poll        nonEmpty `json:"poll"`
}

func parseMessage(data []byte) (message, error) {
	m, err := read[message](data)
	switch {
	case err != nil:
	case m.ID == 0:
		err = errors.New("a message without an id")
	case m.ChannelID == 0:
		err = errors.New("a message without a channel")
	case m.Author.Value.ID == 0:
		err = errors.New("a message without an author")
	case m.Type.Wrong || m.Flags.Wrong:
		err = errors.New("a message whose type or flags are not numbers")
	}
	return m, err
}

// mentions reports whether the message @mentions the user.
func (m message) mentions(user id) bool {
	for _, mentioned := range m.Mentions.Value {
		if user != 0 && mentioned.Value.ID == user {
			return true
		}
	}
	return false
}

// isEmpty reports whether the message has no content of any kind, as every message
// has to a bot without the message content intent.
func (m message) isEmpty() bool {
	return m.Content.Value == "" && !bool(m.Attachments || m.Embeds || m.Stickers || m.Components || m.Snapshots || m.Poll)
}

type interaction struct {
	ID            id                 `json:"id"`
	ApplicationID id                 `json:"application_id"`
	Token         lenient[validText] `json:"token"`
	Type          lenient[int]       `json:"type"`
	GuildID       id                 `json:"guild_id"`
	ChannelID     id                 `json:"channel_id"`
	User          lenient[user]      `json:"user"`
	Member        lenient[struct {
		User lenient[user] `json:"user"`
	}] `json:"member"`
	Data lenient[struct {
		Name    lenient[validText]         `json:"name"`
		Type    lenient[int]               `json:"type"`
		Options lenient[[]lenient[option]] `json:"options"`
	}] `json:"data"`
}

type option struct {
	Name  lenient[validText] `json:"name"`
	Value jsontext.Value     `json:"value"`
}

// words returns the option's value as text.
func (o option) words() string {
	var s validText
	if json.Unmarshal(o.Value, &s, lenientJSON) == nil {
		return string(s)
	}
	return string(o.Value)
}

func parseInteraction(data []byte) (interaction, error) {
	i, err := read[interaction](data)
	switch {
	case err != nil:
	case i.ID == 0:
		err = errors.New("an interaction without an id")
	case i.Token.Value == "":
		err = errors.New("an interaction without a token")
	case !isPathPart(string(i.Token.Value)):
		err = errors.New("an interaction whose token cannot stand in an address")
	case i.Type.Wrong:
		err = errors.New("an interaction whose type is not a number")
	}
	return i, err
}

// maxToken is more than any token has, in bytes.
const maxToken = 2 << 10

// isPathPart reports whether a text can be one part of a path once it is escaped.
// Dots alone lead to another path however they are written.
func isPathPart(s string) bool { return s != "." && s != ".." && len(s) <= maxToken }

// asker returns who used the command: a member of a guild, or the other side of a
// direct message.
func (i interaction) asker() user {
	if u := i.Member.Value.User.Value; u.ID != 0 {
		return u
	}
	return i.User.Value
}

type guild struct {
	ID          id                 `json:"id"`
	Name        lenient[validText] `json:"name"`
	Unavailable lenient[bool]      `json:"unavailable"`
	Members     lenient[int]       `json:"member_count"`
	Roles       lenient[[]lenient[struct {
		ID   id `json:"id"`
		Tags lenient[struct {
			Bot id `json:"bot_id"`
		}] `json:"tags"`
	}]] `json:"roles"`
}

// roleOf returns the role that Discord gave to a bot when it joined; 0 if it has none.
func (g guild) roleOf(bot id) id {
	for _, role := range g.Roles.Value {
		if role.Value.Tags.Value.Bot == bot {
			return role.Value.ID
		}
	}
	return 0
}

func parseGuild(data []byte) (guild, error) {
	g, err := read[guild](data)
	if err == nil && g.ID == 0 {
		err = errors.New("a guild without an id")
	}
	return g, err
}

// application is the application in READY, which has only the id and the flags, and
// in GET /applications/@me.
type application struct {
	ID       id                 `json:"id"`
	Name     lenient[validText] `json:"name"`
	Flags    lenient[int64]     `json:"flags"`
	FlagsNew lenient[validText] `json:"flags_new"`
	Bot      lenient[user]      `json:"bot"`
	Owner    lenient[user]      `json:"owner"`
	Team     lenient[struct {
		OwnerID id `json:"owner_user_id"`
		Members lenient[[]lenient[struct {
			State lenient[int]       `json:"membership_state"`
			Role  lenient[validText] `json:"role"`
			User  lenient[user]      `json:"user"`
		}]] `json:"members"`
	}] `json:"team"`
	Endpoint lenient[validText] `json:"interactions_endpoint_url"`
}

// flags returns the application flags: flags_new when Discord sent it, flags
// otherwise (G-144); 0 when it sent neither.
func (a application) flags() uint64 {
	if n, err := strconv.ParseUint(string(a.FlagsNew.Value), 10, 64); err == nil {
		return n
	}
	return uint64(a.Flags.Value)
}

// owners returns who may use owner-only commands: the owner of the application,
// and for a team its owner and the admins who have accepted.
func (a application) owners() []id {
	var owners []id
	add := func(user id) {
		if user != 0 {
			owners = append(owners, user)
		}
	}
	add(a.Owner.Value.ID)
	add(a.Team.Value.OwnerID)
	for _, member := range a.Team.Value.Members.Value {
		const accepted = 2
		if member.Value.State.Value == accepted && member.Value.Role.Value == "admin" {
			add(member.Value.User.Value.ID)
		}
	}
	return owners
}

type ready struct {
	User        lenient[user]             `json:"user"`
	Application lenient[application]      `json:"application"`
	Guilds      lenient[[]lenient[guild]] `json:"guilds"`
}

func parseReady(data []byte) (ready, error) {
	r, err := read[ready](data)
	if err == nil && r.User.Value.ID == 0 {
		err = errors.New("a READY without a user")
	}
	return r, err
}
