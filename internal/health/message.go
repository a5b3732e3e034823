package health

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"evergreen/gateway"
	"evergreen/internal/text"
)

// Message is a sentence for a person, or a part of one: a key that never changes
// and the values that its sentence has room for. String says it in English, and
// [Message.In] in another language. The zero value says nothing. Messages can be
// compared with ==.
type Message struct {
	// Key is one of [MessageKeys]; empty for text that Discord, the system or
	// another package has put into words.
	Key string

	// args are strings, int64s, time.Durations and Messages; nil ends them.
	args [4]any
}

// Text is a message that stays as it is in every language.
func Text(words string) Message {
	if words == "" {
		return Message{}
	}
	return NewMessage("", words)
}

// NewMessage returns the message of a key, with the values that its sentence has room for:
// strings, int64s, time.Durations and other messages, four at most.
func NewMessage(key string, args ...any) Message {
	m := Message{Key: key}
	copy(m.args[:], args)
	return m
}

// number says a number with its noun: "1 event", "12 events".
func number[N int | int64](n N, noun string) Message {
	if n == 1 {
		return NewMessage(noun+".one", int64(n))
	}
	return NewMessage(noun+".many", int64(n))
}

// nth says an ordinal number: "3rd".
func nth(n int) Message {
	key := "nth.th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			key = "nth.st"
		case 2:
			key = "nth.nd"
		case 3:
			key = "nth.rd"
		}
	}
	return NewMessage(key, int64(n))
}

// Language says messages to a person.
type Language interface {
	// Sentence returns the sentence of a key, with a %s for each value: in the
	// order of [English], or numbered (%[2]s).
	Sentence(key string) string
	// Duration and Number say a value.
	Duration(time.Duration) string
	Number(int64) string
}

// In says the message in a language.
func (m Message) In(l Language) string {
	if m == (Message{}) {
		return ""
	}
	var values []any
	for _, arg := range m.args {
		switch v := arg.(type) {
		case string:
			values = append(values, v)
		case int64:
			values = append(values, l.Number(v))
		case time.Duration:
			values = append(values, l.Duration(v))
		case Message:
			values = append(values, v.In(l))
		}
	}
	switch {
	case m.Key == "":
		return fmt.Sprint(values...)
	case len(values) == 0:
		return l.Sentence(m.Key)
	}
	return fmt.Sprintf(l.Sentence(m.Key), values...)
}

// String says the message in English.
func (m Message) String() string { return m.In(English{}) }

// replace returns the message with another text for each text in it.
func (m Message) replace(with func(string) string) Message {
	for n, arg := range m.args {
		switch v := arg.(type) {
		case string:
			m.args[n] = with(v)
		case Message:
			m.args[n] = v.replace(with)
		}
	}
	return m
}

// MarshalText writes the message in English.
func (m Message) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText makes a message without a key.
func (m *Message) UnmarshalText(words []byte) error {
	*m = Text(string(words))
	return nil
}

// English is the [Language] in which this program logs.
type English struct{}

// Sentence returns the English sentence of a key, or the key if there is none.
func (English) Sentence(key string) string {
	if sentence, ok := sentences[key]; ok {
		return sentence
	}
	return key
}

// Duration says a duration, such as "3 h 12 min".
func (English) Duration(d time.Duration) string { return text.Duration(d) }

// Number says a number in digits.
func (English) Number(n int64) string { return strconv.FormatInt(n, 10) }

// MessageKeys lists every key that a [Message] can have.
func MessageKeys() []string { return slices.Sorted(maps.Keys(sentences)) }

// sentences are the English sentences by key: [phrases], and what the
// [Catalogue] says.
var sentences = func() map[string]string {
	all := maps.Clone(phrases)
	all["unauthorized"] = gateway.CloseAuthFailed.Meaning()
	for _, c := range Catalogue {
		all["title."+string(c.ID)] = c.Title
		if c.Do != "" {
			all["do."+string(c.ID)] = c.Do
		}
		if c.DoAt != "" {
			all["do."+string(c.ID)+".at"] = c.DoAt
		}
		for _, s := range c.Signs {
			all[s.key()] = s.Says
			if s.For != "" {
				all[s.key()+".for"] = s.Says + " (" + s.For + ")"
			}
		}
		for _, code := range c.Codes {
			all[closeKey(code)] = fmt.Sprintf("%s (close code %d)", code.Meaning(), code)
			if do := code.Remedy(); do != "" {
				all["do."+closeKey(code)] = do
			}
		}
	}
	return all
}()

// phrases are the sentences that say how the bot is, what was done and how an
// incident ended. Those that say what happened are [Cause.Signs].
var phrases = map[string]string{
	"attempt.one": "%s attempt", "attempt.many": "%s attempts",
	"event.one": "%s event", "event.many": "%s events",
	"guild.one": "%s guild", "guild.many": "%s guilds",
	"nth.st": "%sst", "nth.nd": "%snd", "nth.rd": "%srd", "nth.th": "%sth",

	"join.said":     "%s: %s",
	"join.http":     "%s (HTTP %s)",
	"join.then":     "%s, then %s",
	"join.attempts": "%s; %s failed",
	"join.doing":    "%s; %s",

	"status.connected":             "connected, and Discord answers",
	"status.moving":                "connected; moving to another host as Discord asked",
	"status.overdue":               "an answer from Discord is overdue; a spare connection is being prepared",
	"status.unanswered":            "no heartbeat has been answered for %s",
	"status.draining":              "finishing what was begun before the stop",
	"status.stopped":               "stopped as asked",
	"status.never":                 "not online since the start: %s",
	"status.no-shard":              "no shard has reported yet",
	"status.awaits-bot":            "waiting for the first bot to connect: it says which intents it needs",
	"do.awaits-bot":                "Start the bot with `evergreen proxy -- COMMAND`; or make its one setting (`evergreen proxy setup` prints it), and start it.",
	"status.shards":                "all %s shards are connected",
	"status.shards-online":         "%s of %s shards are online",
	"status.shards-worst":          "%s of %s shards are online; shard %s: %s",
	"status.not-working":           "connected, but not working: %s",
	"status.disk-trouble":          "connected and working, but nothing is saved: %s; a restart now would start a new session",
	"status.memory-short":          "connected and working, but memory runs short: %s",
	"status.commands-unregistered": "connected and working, but the slash commands could not be registered: %s",
	"status.bot-away":              "connected, but no bot is attached to Evergreen; events that wait for it: %s",
	"status.bot-hangs":             "connected, but the bot attached to Evergreen hangs; events that wait for it: %s",
	"status.bot-crash-loop":        "connected, but the bot starts again and again; starts within five minutes: %s",
	"status.events-lost":           "connected, but the bot was away for too long; events that it will not get: %s",
	"status.two-instances":         "connected and working, but another program uses the same token: %s",
	"status.discord-not-you":       "Discord, not you (%s): %s",
	"status.answers-blocked.until": "%s, until %s",
	"status.answers-blocked.retry": "%s, until %s at most, and tried again at %s",
	"undelivered.banned":           "Discord (Cloudflare) blocks this address for a while",
	"undelivered.banned.code":      "Discord (Cloudflare, error %s) blocks this address for a while",
	"undelivered.foreign":          "something between this host and Discord answers in its place",
	"undelivered.foreign.http":     "something between this host and Discord answers in its place (HTTP %s)",
	"undelivered.invalid":          "Discord refused so many requests that more would get this address blocked",
	"undelivered.unauthorized":     "Discord refuses the token over REST",
	"undelivered.global":           "Discord's global rate limit",
	"undelivered.bucket":           "a rate limit of Discord",
	"undelivered.shared":           "a rate limit of Discord that others have used up",
	"undelivered.server":           "Discord's REST API does not work",
	"undelivered.server.http":      "Discord's REST API answers HTTP %s",
	"undelivered.connection":       "Discord's REST API does not answer",
	"undelivered.too-large":        "what Discord's REST API seems to answer has no end",

	"doing.idle":                   "not started yet",
	"doing.waiting-for-retry":      "waiting for the next attempt",
	"doing.waiting-for-turn":       "waiting for its turn to identify",
	"doing.waiting-to-identify":    "waiting to identify: %s",
	"doing.connecting-to-identify": "connecting to identify",
	"doing.connecting-to-resume":   "connecting to resume",
	"doing.identifying":            "waiting for READY",
	"doing.ready-late":             "Discord takes its time with READY, but answers heartbeats",
	"doing.resuming":               "Discord is sending what was missed",
	"doing.live":                   "live",
	"doing.suspect":                "suspect",
	"doing.moving":                 "moving",

	"outcome.open":             "Not back yet.",
	"outcome.resumed":          "Resumed, %s.",
	"outcome.new-session":      "A new session was started; events in between were not delivered.",
	"outcome.online":           "Then online with a new session.",
	"outcome.ended":            "Stopped before it was back.",
	"outcome.unobserved":       "Back online; how was not observed.",
	"outcome.connected-open":   "Not mended yet; the bot stays online.",
	"outcome.connected-mended": "Mended; the bot was online all the while.",
	"outcome.connected-ended":  "The program ended before it was mended.",
	"replayed.nothing":         "nothing was missed",
	"replayed.all":             "%s replayed, none lost",
	"replayed.some":            "%s replayed, %s lost",

	"action.repeated":        "%s (%s times)",
	"action.connected":       "connection opened",
	"action.probe":           "probe sent",
	"action.suspect":         "suspect: spare connection dialled",
	"action.spare-failed":    "spare connection failed: %s",
	"action.failed":          "attempt failed: %s",
	"action.failed-in-a-row": "%s in a row have failed; going on",
	"action.closed-again":    "connection ended again: %s",
	"action.identify":        "IDENTIFY sent",
	"action.identify-delay":  "waiting %s to identify: %s",
	"action.identify-turn":   "its turn",
	"action.resume":          "RESUME sent",
	"action.resumed":         "resumed, %s replayed",
	"action.resumed-spare":   "resumed on the spare, %s replayed",
	"action.ready":           "new session: READY with %s",
	"action.ready-late":      "READY is late but heartbeats are answered: waiting on",
	"action.reconnect":       "Discord asked for a reconnect (op 7)",
	"action.refused-for-now": "Discord refused for now (op 9), the session may be resumed",
	"action.refused":         "Discord refused the session (op 9)",
	"action.session-lost":    "session given up: %s",
	"action.parked":          "stopped dialling; the credentials are checked again from time to time",
	"action.unparked":        "trying again: the credentials look good",
	"action.status-page":     "learnt from Discord's status page that Discord has trouble",
	"action.started":         "started again, %s after the last sign of life",
}
