package gateway

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Status is the online status of a presence.
type Status string

// The statuses that a bot may choose. With StatusInvisible a healthy bot looks offline.
// Discord also accepts "offline", which does the same.
const (
	StatusOnline    Status = "online"
	StatusIdle      Status = "idle"
	StatusDND       Status = "dnd"
	StatusInvisible Status = "invisible"
)

// ActivityType is the verb in front of an activity's name.
type ActivityType int

// The activity types of the documentation.
const (
	ActivityPlaying   ActivityType = 0
	ActivityStreaming ActivityType = 1
	ActivityListening ActivityType = 2
	ActivityWatching  ActivityType = 3
	ActivityCustom    ActivityType = 4
	ActivityCompeting ActivityType = 5
)

// Activity is the line under a bot's name. Bots may set these four fields and no others.
type Activity struct {
	// Name has 1 to 128 characters. Discord does not show it for ActivityCustom.
	Name string `json:"name"`
	// Type is the verb in front of Name. Default ActivityPlaying.
	Type ActivityType `json:"type"`
	// State is a second line, or the whole text for ActivityCustom; at most 128
	// characters. Empty: it is left out.
	State string `json:"state,omitempty"`
	// URL is the stream of an ActivityStreaming; at most 512 characters. Empty: it is
	// left out.
	URL string `json:"url,omitempty"`
}

// Presence is a bot's status and activity. All four fields are sent, as Discord
// requires.
type Presence struct {
	// Since is when the bot went idle, in milliseconds since 1970, or nil.
	Since *int64 `json:"since"`
	// Activities are the lines under the bot's name; empty: none.
	Activities []Activity `json:"activities"`
	// Status is required: it has no default.
	Status Status `json:"status"`
	// AFK is Discord's flag for a client that is away.
	AFK bool `json:"afk"`
}

// MarshalJSON writes an empty list for no activities: Discord closes the connection for
// null.
func (p Presence) MarshalJSON() ([]byte, error) {
	type plain Presence
	if p.Activities == nil {
		p.Activities = []Activity{}
	}
	return json.Marshal(plain(p))
}

// Validate reports what Discord would refuse (G-102): an unknown status or activity
// type, a name of 0 or more than 128 characters, a state of more than 128, a URL of
// more than 512.
func (p Presence) Validate() error {
	switch p.Status {
	case StatusOnline, StatusIdle, StatusDND, StatusInvisible, "offline":
	default:
		return fmt.Errorf("presence status %q: want online, idle, dnd, invisible or offline", p.Status)
	}
	for _, a := range p.Activities {
		if n := utf8.RuneCountInString(a.Name); n < 1 || n > 128 {
			return fmt.Errorf("activity name has %d characters: want 1 to 128", n)
		}
		if n := utf8.RuneCountInString(a.State); n > 128 {
			return fmt.Errorf("activity state has %d characters: want at most 128", n)
		}
		if n := utf8.RuneCountInString(a.URL); n > 512 {
			return fmt.Errorf("activity URL has %d characters: want at most 512", n)
		}
		if a.Type < ActivityPlaying || a.Type > ActivityCompeting {
			return fmt.Errorf("activity type %d: want 0 to 5", a.Type)
		}
	}
	return nil
}
