package gateway

import "strconv"

// CloseCode is a WebSocket close code as Discord uses it.
type CloseCode int

// Close codes that the client sends. Any code but 1000 and 1001 leaves the
// session resumable (G-088).
const (
	// CloseKeepSession leaves the session alive: every reconnect and a planned
	// restart use it.
	CloseKeepSession CloseCode = 4900
	// CloseGoodbye ends the session; the dot turns grey at once (G-089).
	CloseGoodbye CloseCode = 1000
)

// Close codes that Discord sends.
const (
	CloseUnknownError      CloseCode = 4000
	CloseUnknownOpcode     CloseCode = 4001
	CloseDecodeError       CloseCode = 4002
	CloseNotAuthenticated  CloseCode = 4003
	CloseAuthFailed        CloseCode = 4004
	CloseAlreadyAuth       CloseCode = 4005
	CloseInvalidSeq        CloseCode = 4007
	CloseRateLimited       CloseCode = 4008
	CloseSessionTimedOut   CloseCode = 4009
	CloseInvalidShard      CloseCode = 4010
	CloseShardingRequired  CloseCode = 4011
	CloseInvalidVersion    CloseCode = 4012
	CloseInvalidIntents    CloseCode = 4013
	CloseDisallowedIntents CloseCode = 4014
	// CloseNone stands for a connection that ended without a close frame.
	CloseNone CloseCode = 1006
)

// Verdict is what a close code does to the session.
type Verdict int

const (
	// VerdictResume keeps the session and resumes.
	VerdictResume Verdict = iota
	// VerdictResumeOnce resumes a single time, then identifies (G-062).
	VerdictResumeOnce
	// VerdictIdentify erases the session and identifies (G-063).
	VerdictIdentify
	// VerdictVerify erases the session, has the credentials checked over REST
	// and identifies at most once (G-064).
	VerdictVerify
	// VerdictPark stops dialling until a human has mended something (G-094).
	VerdictPark
)

// ClosePolicy is one row of the table that decides what a close code means.
type ClosePolicy struct {
	Verdict Verdict
	// Says is what happened, for a person.
	Says string
	// Remedy is what a person has to do; empty when the shard mends it alone.
	Remedy string
	// Ours marks codes that only a mistake of this client can cause.
	Ours bool
}

// closePolicies holds every code with a meaning of its own (G-060 to G-064,
// G-094). Codes not listed here resume.
var closePolicies = map[CloseCode]ClosePolicy{
	1000:                  {Verdict: VerdictResumeOnce, Says: "Discord closed the connection normally (seen when heartbeats were missed)"},
	1001:                  {Verdict: VerdictResume, Says: "the Discord host is going away"},
	CloseNone:             {Verdict: VerdictResume, Says: "the connection was cut without a close frame"},
	CloseUnknownError:     {Verdict: VerdictResume, Says: "Discord had an unknown error"},
	CloseUnknownOpcode:    {Verdict: VerdictResume, Says: "Discord did not understand an opcode or payload that was sent", Ours: true},
	CloseDecodeError:      {Verdict: VerdictResume, Says: "Discord could not decode a payload that was sent", Ours: true},
	CloseNotAuthenticated: {Verdict: VerdictVerify, Says: "the session was invalidated: the token was reset or a privileged intent was switched off"},
	CloseAuthFailed: {
		Verdict: VerdictPark, Says: "Discord does not accept the token",
		Remedy: "Reset the token at https://discord.com/developers/applications (your application, Bot, Reset Token) and put the new one into DISCORD_TOKEN.",
	},
	CloseAlreadyAuth:     {Verdict: VerdictResume, Says: "IDENTIFY or RESUME was sent twice on one connection", Ours: true},
	CloseInvalidSeq:      {Verdict: VerdictIdentify, Says: "Discord does not know the sequence number that was resumed from"},
	CloseRateLimited:     {Verdict: VerdictResume, Says: "too many payloads were sent on one connection", Ours: true},
	CloseSessionTimedOut: {Verdict: VerdictIdentify, Says: "the session timed out at Discord"},
	CloseInvalidShard: {
		Verdict: VerdictPark, Says: "Discord refused the shard pair",
		Remedy: "Use the shard count that GET /gateway/bot recommends.", Ours: true,
	},
	CloseShardingRequired: {
		Verdict: VerdictPark, Says: "the bot is in too many guilds for this many shards (2,500 each)",
		Remedy: "Raise the shard count to what GET /gateway/bot recommends.",
	},
	CloseInvalidVersion: {
		Verdict: VerdictPark, Says: "Discord no longer serves this version of the gateway",
		Remedy: "Update this program.", Ours: true,
	},
	CloseInvalidIntents: {
		Verdict: VerdictPark, Says: "Discord does not know an intent that was asked for",
		Remedy: "Ask only for documented intents.", Ours: true,
	},
	CloseDisallowedIntents: {
		Verdict: VerdictPark, Says: "a privileged intent is switched off for this application",
		Remedy: "Switch it on at https://discord.com/developers/applications (your application, Bot, Privileged Gateway Intents).",
	},
}

// Policy returns what the code means. Unknown codes resume: losing a session
// costs an IDENTIFY, trying to keep it costs nothing (G-060, G-061).
func (c CloseCode) Policy() ClosePolicy {
	if p, ok := closePolicies[c]; ok {
		return p
	}
	return ClosePolicy{Verdict: VerdictResume, Says: "Discord closed the connection with code " + strconv.Itoa(int(c))}
}

// Resumable reports whether a client close with this code leaves the session
// alive at Discord.
func (c CloseCode) Resumable() bool { return c != 1000 && c != 1001 }
