package gateway

import (
	"context"
	"time"
)

// IdentifyLimiter decides when a shard may send IDENTIFY. Discord allows one per
// concurrency key every five seconds and about a thousand a day; breaking the
// first costs an op 9, exhausting the second costs the token. Fleets, ledgers
// on disk and distributed limiters stand behind this interface.
type IdentifyLimiter interface {
	// Acquire waits until the shard may identify, or until ctx ends. It is
	// called before the connection is opened. announce, which never blocks,
	// may be called with the time and the reason of a wait that a person
	// should know of.
	Acquire(ctx context.Context, pair ShardID, announce func(until time.Time, why string)) (Grant, error)
}

// Grant is the right to send one IDENTIFY.
type Grant interface {
	// Sent is called right before the IDENTIFY leaves. An IDENTIFY that may
	// have left counts as spent. False means that the grant has lapsed: its
	// holder took so long to connect that others have gone ahead, and must
	// send nothing and acquire anew.
	Sent() bool
	// Release ends the grant. It is called exactly once, also when the
	// connection failed before IDENTIFY (G-046), and tells what came of it.
	Release(Outcome)
}

// Outcome is what an acquired grant led to.
type Outcome int

const (
	// OutcomeUnsent means no IDENTIFY was sent.
	OutcomeUnsent Outcome = iota
	// OutcomeRefused means op 9 or a close answered it, or nothing did.
	OutcomeRefused
	// OutcomeReady means READY came. It is reported at once.
	OutcomeReady
)

// SessionWatcher is implemented by permits that space identifies by how long
// the sessions they led to have lived.
type SessionWatcher interface {
	// SessionEnded tells that a session ended for good after being live for
	// this long in total.
	SessionEnded(pair ShardID, lived time.Duration)
}

// URLSource knows where the gateway is. An implementation asks
// GET /gateway/bot (G-001), caches the address (G-002) and asks again when
// told that the cached one failed.
type URLSource interface {
	// GatewayURL returns the base gateway URL. failed is the base URL that could
	// not be connected to, or empty. An error that wraps [ErrUnauthorized]
	// parks the shard (G-004); any other is retried with backoff (G-005).
	GatewayURL(ctx context.Context, failed string) (string, error)
}

// FixedURL is a [URLSource] that always answers itself.
type FixedURL string

// GatewayURL returns the URL.
func (u FixedURL) GatewayURL(context.Context, string) (string, error) { return string(u), nil }

// CredentialChecker checks over REST, without spending an IDENTIFY, whether a bot that
// Discord refused would be accepted now (G-064, G-095 to G-098).
type CredentialChecker interface {
	// CheckCredentials returns the credentials to go on with, or an error that says what
	// is still wrong. cause is what the shard was parked for.
	CheckCredentials(ctx context.Context, cause Reason, current Credentials) (Credentials, error)
}

// Remedied is an error of an [CredentialChecker] that knows exactly what a person has to
// do. A parked shard's cause carries it, in Err.
type Remedied interface {
	error
	Remedy() string
}

// Credentials is what an IDENTIFY presents.
type Credentials struct {
	// Token is the bot token without the "Bot " prefix.
	Token   string
	Intents Intents
}

// String hides the token.
func (c Credentials) String() string { return "token hidden, intents " + c.Intents.String() }

// GoString hides the token from %#v as well.
func (c Credentials) GoString() string { return c.String() }
