package discordsim

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// ID is a snowflake; on the wire it is a string.
type ID uint64

// String prints the decimal form Discord uses.
func (id ID) String() string { return strconv.FormatUint(uint64(id), 10) }

// MarshalJSON writes the id as a string.
func (id ID) MarshalJSON() ([]byte, error) { return []byte(`"` + id.String() + `"`), nil }

// UnmarshalJSON reads a string or, leniently, a number.
func (id *ID) UnmarshalJSON(b []byte) error {
	text := string(b)
	if len(b) >= 2 && b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	}
	if text == "null" || text == "" {
		*id = 0
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	*id = ID(n)
	return err
}

// User is a person, a bot or a webhook.
type User struct {
	ID         ID     `json:"id"`
	Username   string `json:"username"`
	GlobalName string `json:"global_name,omitempty"`
	Bot        bool   `json:"bot,omitempty"`
}

// Guild is a server.
type Guild struct {
	ID       ID
	Name     string
	OwnerID  ID
	Channels []*Channel
	Members  []ID
	// Roles are in the order of their positions; @everyone is first.
	Roles []*Role
	// Unavailable marks a guild in an outage.
	Unavailable bool

	profiles  map[ID]*Member  // what is known of members beyond that they are there
	index     map[ID]struct{} // of Members, where they are many
	settings  settings
	threads   []*Channel // also the archived ones
	emojis    []*Emoji
	stages    []*stage
	resources map[*resourceKind][]*resource
	stickers  []*Sticker
	bans      map[ID]string // by user: the reason
	audit     []*auditEntry // oldest first
	voice     map[ID]*voiceState
	pages     guildPages
	template  *template // nil without one
}

// Channel is a channel of a guild, or a direct message when Guild is nil.
type Channel struct {
	ID    ID
	Name  string
	Guild *Guild
	// Type is Discord's number of the channel's type: 0 text, 1 direct message, 2 voice.
	Type int
	// Parent is the category of a channel, or the channel of a thread.
	Parent ID
	Flags  int
	// Recipient is the person and App the bot at the two ends of a direct
	// message.
	Recipient ID
	App       *App
	// Overwrites change permissions here.
	Overwrites []Overwrite

	position int // orders the channels of a guild; of two on one place the older one is first
	settings settings
	tags     []tag     // of a forum
	lastPin  time.Time // when a message was last pinned
	// lastChatter is when a person last said something that need not be answered.
	lastChatter time.Time
	thread      *thread // nil where it is none
}

// Message is one message.
type Message struct {
	ID        ID
	Channel   *Channel
	Author    User
	Content   string
	Nonce     json.RawMessage // as sent, string or number; nil without one
	Timestamp time.Time
	Edited    *time.Time
	Type      int // 0 default, 19 reply
	ReplyTo   ID
	Pinged    []ID // users whose mention notifies them
	// PingedRoles and PingsEveryone are the other mentions that notify.
	PingedRoles   []ID
	PingsEveryone bool
	WebhookID     ID
	// Interaction is the interaction a response answers; 0 for other messages.
	Interaction ID
	// ShownTo is the person who alone sees an ephemeral message; 0: all see it.
	ShownTo   ID
	Flags     int
	Reactions []Reaction
	Extra     map[string]json.RawMessage // embeds, components and the like, passed through
	Deleted   bool

	poll *poll // nil without one
	// embedded are the attachments that embeds and components show, by the field.
	embedded map[string][]string
	pinnedAt time.Time // zero while it is not pinned
	filledAt time.Time // when a deferred response was filled in
}

// Reaction is one emoji under a message and who put it there.
type Reaction struct {
	// Emoji is a Unicode emoji, or name:id for a custom one.
	Emoji string
	Users []ID
}

// App is a bot's application as Discord knows it.
type App struct {
	ID    ID
	Name  string
	Owner ID
	Bot   User
	// Token is the current bot token; ResetToken changes it.
	Token string
	// Flags are the application flags; flags_new is the same number as text.
	Flags uint64
	// Permissions are those of the role that Discord gives the bot in a guild.
	Permissions uint64
	// InteractionsURL, when set, keeps interactions off the gateway.
	InteractionsURL string
	Guilds          []*Guild
	Commands        []*Command
	// Shards is what GET /gateway/bot recommends; LargeMultiple, when above 1,
	// is the number shard counts must be a multiple of.
	Shards, LargeMultiple, MaxConcurrency int
	// StartsTotal and startsUsed are the identify budget.
	StartsTotal int
	startsUsed  int
	emojis      []*Emoji
	settings    settings
	// roleMetadata is what roles can be linked to, as the app has described it.
	roleMetadata []any
	startsReset  time.Time
}

// Command is a registered application command.
type Command struct {
	ID      ID
	App     ID
	Guild   ID // 0: global
	Type    int
	Name    string
	Version ID
	Raw     json.RawMessage
}

// Violation is something a client did that Discord forbids or a G- statement
// rules out.
type Violation struct {
	At        time.Time
	App       ID
	Conn      int64
	Statement string // such as "S-013" or "G-101"
	What      string
}

// advice begins a violation that Discord accepts and a careful client avoids.
const advice = "note: "

// Note reports whether the violation is only advice: no bot fails for it.
func (v Violation) Note() bool { return strings.HasPrefix(v.What, advice) }
