package report

import (
	"fmt"
	"strings"
)

// reason is why a peer does badly, with the place in its source.
type reason struct{ peer, scenarios, why string }

// reasonTable was checked against the sources of the versions that are named in
// go.mod and package.json, and of discord.py 2.2.2. Ours come first: where
// Evergreen is not the first to be back, that is said too.
var reasonTable = []reason{
	{"Evergreen", "always 4000", "where Discord itself says no, waits between attempts grow to 25 s at random, so as not to be one more client that hammers at a Discord in trouble; who dials twice a second, or 260 times, is back sooner."},
	{"Evergreen", "READY, then drop", "its account of IDENTIFYs spaces them out (15 s, 45 s, 2 min) after sessions that did not last, so that a loop cannot use up the thousand of a day."},
	{"Evergreen", "READY never", "while heartbeats are answered it waits two minutes for READY (G-044): in an outage READY is slow, and each further IDENTIFY makes it slower. discord.js waits 15 s and spends one every time."},
	{"Evergreen", "dead resume URL", "it tries the resume URL three times (G-010) before the base address, whose connections Discord cuts after a minute; discordgo and arikawa never use the resume URL, discord.js gives the session up."},
	{"Evergreen", "cut link, outages", "the first attempt comes after up to half a second of jitter, so that many shards do not dial together (G-073)."},
	{"Evergreen, gateway package", "429 and 5xx", "answers go over disgo's REST client, which does not repeat a request after 5xx; the product's own does."},

	{"disgo", "half-open link, no ACKs", "gateway.go, heartbeat: at each heartbeat it looks whether the one before was answered, so a dead link is noticed at the second."},
	{"disgo", "dead resume URL", "gateway.go, open: as long as ResumeURL is set it is what is dialled, and a failed dial does not clear it."},
	{"disgo", "READY, RESUMED, HELLO never", "gateway.go, open waits for readyChan without a time limit. Now and then it comes back at the second heartbeat by mistake: lastHeartbeatSent is set after the write, and an answer that was faster makes a good link look dead."},
	{"disgo", "cut link, start to READY", "gateway.go, doReconnect: every attempt, also the first of Open, begins with a wait of a second."},
	{"disgo", "blocked handler, SIGSTOP, half-open link: commands lost", "replies to many commands at once meet the global limit of 50 a second; rest_rate_limiter.go does not wait for a 429 that names no bucket, and cuts the fraction off X-RateLimit-Reset-After."},
	{"disgo", "blocked handler", "listeners run on the goroutine that reads the connection: answers to heartbeats wait behind them, and the link is taken for dead."},
	{"disgo", "130 sends", "gateway.go, sendInternal waits for its rate limiter while it holds connMu, which heartbeats need too."},
	{"disgo", "hostile payloads", "an event that cannot be decoded ends the connection; a RESUME brings the same event again."},
	{"disgo", "SIGTERM, restart", "rest_rate_limiter.go, Close keeps bucketsMu while it waits for every bucket, and an answer that is under way needs bucketsMu to give its bucket back: now and then Close lasts until its context ends, here 10 s."},
	{"disgo", "outage 5 min, refused", "backoff without jitter doubles up to 60 s."},
	{"disgo", "429 and 5xx", "rest_client.go repeats a request after 429, not after 5xx."},

	{"discordgo", "half-open link, no ACKs", "wsapi.go, FailedHeartbeatAcks: five intervals without an answer, and then Close with 1000, which ends the session."},
	{"discordgo", "HELLO never, op 7 first", "wsapi.go, Open reads the first packet without a deadline while it holds the session's lock; op 7 there calls Close, which wants the same lock. Close at SIGTERM waits for it too."},
	{"discordgo", "READY, RESUMED never", "wsapi.go, Open waits for READY or RESUMED without a deadline and sends no heartbeat before; Discord hangs up after 50 s."},
	{"discordgo", "READY, then drop", "wsapi.go, onEvent answers every op 9 with IDENTIFY at once, on the same connection, inside the five seconds that Discord wants between two."},
	{"discordgo", "hostile payloads", "state.go panics on GUILD_MEMBER_UPDATE with d null: the embedded Member is nil."},
	{"discordgo", "130 sends", "sends are not limited: Discord closes with 4008."},
	{"discordgo", "token revoked", "wsapi.go, reconnect tries for ever, whatever the close code."},

	{"arikawa", "half-open link, no ACKs", "gateway.go, isDead: two intervals must pass beyond the last answer, looked at with each heartbeat."},
	{"arikawa", "READY, RESUMED, HELLO never", "no phase has a deadline; heartbeats start with HELLO and are answered while READY and RESUMED stay out."},
	{"arikawa", "op 7 first", "utils/ws/throttler.go, NewDialLimiter: one dial in five seconds, also right after a good one."},
	{"arikawa", "130 sends", "utils/ws/ws.go, Send: heartbeats wait in the same limiter, five at once and then two a second, behind everything else."},

	{"discord.js", "half-open link", "a missed answer is looked for at the next heartbeat, and then the close handshake of a link that carries nothing is waited for, 30 s (ws)."},
	{"discord.js", "RESUMED never", "@discordjs/ws waits with a deadline for HELLO (60 s) and READY (15 s), not for RESUMED."},
	{"discord.js", "HELLO never, dead resume URL, op 7 first, SIGSTOP", "@discordjs/ws drops the session when a connection fails before it is ready (waitForEvent), when a dial fails, and on close code 1000, with which Discord ends connections whose heartbeats stopped: hence an IDENTIFY, and what was said meanwhile is lost."},
	{"discord.js", "blocked handler", "heartbeats come from the one thread that the handler holds."},
	{"discord.js", "hostile payloads", "GuildMemberUpdate.js reads data.user of d null; the exception ends the process, exit code 1."},
	{"discord.js", "130 sends", "it counts 115 sends in a minute that begins with the connection; the rest follows at once in the next, and the simulator counts a sliding minute (which of the two Discord does is not documented): close code 4008."},
	{"discord.js", "token revoked", "the event loop runs empty: exit code 0, which supervisors take for the end of the work."},

	{"discord.py", "no ACKs", "gateway.py, KeepAliveHandler compares the last packet of any kind with 60 s; answers to heartbeats are noted and never looked at."},
	{"discord.py", "dead resume URL", "client.py, connect goes on with gateway=self.ws.gateway, resume=True after every failure."},
	{"discord.py", "READY, RESUMED never", "no deadline, while packets arrive."},
	{"discord.py", "always 4000", "client.py, connect: ReconnectWebSocket is followed by another attempt without any wait, hence the dials."},
	{"discord.py", "blocked handler", "heartbeats are sent by the event loop that the handler holds (gateway.py logs it)."},
	{"discord.py", "hostile payloads", "gateway.py, received_message lets the exception of raw_models.py out of Client.run: exit code 1 at an edited message whose id is no number."},
}

// reasons writes them for those who were run.
func (r Run) reasons(b *strings.Builder) {
	b.WriteString("\n## Why, by the sources\n\n")
	for _, p := range r.ran() {
		for _, why := range reasonTable {
			if why.peer == p.Name {
				fmt.Fprintf(b, "- **%s**, %s: %s\n", p.Name, why.scenarios, why.why)
			}
		}
	}
}
