package gateway

import "strconv"

// CloseCode is a WebSocket close code as Discord uses it.
type CloseCode int

// Close codes of Discord for which a person is needed, or REST has to be asked.
// Any other code is just a number, such as 4009; [CloseCode.Meaning] has its words.
const (
	CloseNotAuthenticated  CloseCode = 4003
	CloseAuthFailed        CloseCode = 4004
	CloseInvalidShard      CloseCode = 4010
	CloseShardingRequired  CloseCode = 4011
	CloseInvalidVersion    CloseCode = 4012
	CloseInvalidIntents    CloseCode = 4013
	CloseDisallowedIntents CloseCode = 4014
)

// Close codes that the client sends. Any code but 1000 and 1001 leaves the
// session resumable.
const (
	closeKeepSession CloseCode = 4900 // for every reconnect and a planned restart
	closeEndSession  CloseCode = 1000 // the bot is offline at once
)

// closeEffect is what a close code does to the session.
type closeEffect int

const (
	resumes     closeEffect = iota // keep the session and resume
	resumesOnce                    // the same, but a RESUME that fails ends the session
	identifies                     // drop the session and identify
	verifies                       // drop a live session, have the credentials checked over REST, identify
	parks                          // drop the session and dial nothing until a person has helped
)

// endsSession reports whether the session is over once a live connection is closed so.
func (e closeEffect) endsSession() bool {
	switch e {
	case identifies, verifies, parks:
		return true
	}
	return false
}

// closeMeaning is what there is to know of a close code.
type closeMeaning struct {
	effect      closeEffect
	means       string // what happened, for a person
	remedy      string // what a person has to do; empty if the shard recovers by itself
	clientFault bool   // only a mistake of this client can cause it
}

// closeCodes has one row for each close code with a meaning of its own (G-060 to
// G-063). reconnect.go says what follows from the effect.
var closeCodes = map[CloseCode]closeMeaning{
	1000: {effect: resumesOnce, means: "Discord closed the connection normally (seen when heartbeats were missed)"},
	1001: {effect: resumes, means: "the Discord host is going away"},
	1006: {effect: resumes, means: "the connection was cut without a close frame"},
	4000: {effect: resumes, means: "Discord had an unknown error"},
	4001: {effect: resumes, means: "Discord did not understand an opcode or payload that was sent", clientFault: true},
	4002: {effect: resumes, means: "Discord could not decode a payload that was sent", clientFault: true},
	4003: {effect: verifies, means: "the session was invalidated: the token was reset or a privileged intent was switched off"},
	4004: {
		effect: parks, means: "Discord does not accept the token",
		remedy: "Reset the token at https://discord.com/developers/applications (your application, Bot, Reset Token) and put the new one into DISCORD_TOKEN.",
	},
	4005: {effect: resumes, means: "IDENTIFY or RESUME was sent twice on one connection", clientFault: true},
	4007: {effect: identifies, means: "Discord does not know the sequence number that was resumed from"},
	4008: {effect: resumes, means: "too many payloads were sent on one connection", clientFault: true},
	4009: {effect: identifies, means: "the session timed out at Discord"},
	4010: {
		effect: parks, means: "Discord refused the shard pair",
		remedy: "Use the shard count that GET /gateway/bot recommends.", clientFault: true,
	},
	4011: {
		effect: parks, means: "the bot is in too many guilds for this many shards (2,500 each)",
		remedy: "Raise the shard count to what GET /gateway/bot recommends.",
	},
	4012: {
		effect: parks, means: "Discord no longer serves this version of the gateway",
		remedy: "Update this program.", clientFault: true,
	},
	4013: {
		effect: parks, means: "Discord does not know an intent that was asked for",
		remedy: "Ask only for documented intents.", clientFault: true,
	},
	4014: {
		effect: parks, means: "a privileged intent is switched off for this application",
		remedy: "Switch it on at https://discord.com/developers/applications (your application, Bot, Privileged Gateway Intents).",
	},
}

// meaning returns the row of a code. An unknown code resumes: to lose a session
// costs an IDENTIFY, to try to keep it costs nothing.
func (c CloseCode) meaning() closeMeaning {
	if m, ok := closeCodes[c]; ok {
		return m
	}
	return closeMeaning{effect: resumes, means: "Discord closed the connection with code " + strconv.Itoa(int(c))}
}

// Meaning says in a few words what happened when Discord closed with the code.
func (c CloseCode) Meaning() string { return c.meaning().means }

// Remedy says what a person has to do, in sentences. It is empty where the shard
// recovers by itself.
func (c CloseCode) Remedy() string { return c.meaning().remedy }

// Fatal reports whether the shard parks: nothing can be tried again before a
// person has helped.
func (c CloseCode) Fatal() bool { return c.meaning().effect == parks }

// ClientFault reports whether only a mistake of this client can cause the code.
func (c CloseCode) ClientFault() bool { return c.meaning().clientFault }

// Resumable reports whether a client that closes with the code leaves its session
// alive at Discord.
func (c CloseCode) Resumable() bool { return c != 1000 && c != 1001 }
