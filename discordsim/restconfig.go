package discordsim

import "time"

// RESTConfig sets the REST side. Its zero value means the default named at
// each field; a negative number or span switches the rule off.
type RESTConfig struct {
	// RefuseUserAgent refuses a missing or foreign User-Agent with 403 40333
	// (S-082). Off, it is only recorded as a violation.
	RefuseUserAgent bool
	// NonceWindow is how long enforce_nonce remembers a nonce (S-091): 5 min.
	NonceWindow time.Duration
	// NoncePerChannel narrows that memory from the author to the author in one
	// channel.
	NoncePerChannel bool
	// EventLag is the longest an event stays behind the answer that caused it,
	// when the answer goes first (S-070): 20 ms.
	EventLag time.Duration
	// GlobalLimit is the number of requests a second per token (S-085): 50.
	GlobalLimit int
	// InvalidLimit answers of 401, 403 or 429 within InvalidWindow ban an
	// address for BanFor: 10,000 in 10 min, 1 h. BanForm is how that is answered:
	// "1015" in plain text, "html" with Retry-After, or "json" without
	// retry_after; all three have been seen in the wild. Default "1015".
	InvalidLimit  int
	InvalidWindow time.Duration
	BanFor        time.Duration
	BanForm       string
	// BodyLimit and FileLimit bound a request and one file of it, in bytes:
	// 25 MiB and 10 MiB.
	BodyLimit, FileLimit int64
	// ReadTimeout bounds the reading of one body: 30 s.
	ReadTimeout time.Duration
	// InteractionDeadline is the time for the first answer to an interaction,
	// InteractionLife that of its token (S-094): 3 s and 15 min.
	InteractionDeadline, InteractionLife time.Duration
	// DailyCreates is the number of new commands a day in one scope (S-095): 200.
	DailyCreates int
	// Grace is how long after a "stop" has been sent a request may still be on
	// its way before it counts as a violation (G-128, G-130): 500 ms.
	Grace time.Duration
	// RetryWindow is how soon the same request after 401, 403 or 404 counts as
	// a forbidden retry (G-133): 1 min.
	RetryWindow time.Duration

	limits map[string]rateLimit // replaces rows of the bucket table, for tests of this package
}

// withDefaults fills in what was left zero.
func (c RESTConfig) withDefaults() RESTConfig {
	orDuration(&c.NonceWindow, 5*time.Minute)
	orDuration(&c.EventLag, 20*time.Millisecond)
	orInt(&c.GlobalLimit, 50)
	orInt(&c.InvalidLimit, 10_000)
	orDuration(&c.InvalidWindow, 10*time.Minute)
	orDuration(&c.BanFor, time.Hour)
	if c.BanForm == "" {
		c.BanForm = banPlain
	}
	orInt(&c.BodyLimit, 25<<20)
	orInt(&c.FileLimit, 10<<20)
	orDuration(&c.ReadTimeout, 30*time.Second)
	orDuration(&c.InteractionDeadline, 3*time.Second)
	orDuration(&c.InteractionLife, 15*time.Minute)
	orInt(&c.DailyCreates, 200)
	orDuration(&c.Grace, 500*time.Millisecond)
	orDuration(&c.RetryWindow, time.Minute)
	return c
}

func orDuration(d *time.Duration, otherwise time.Duration) {
	if *d == 0 {
		*d = otherwise
	}
}

func orInt[N int | int64](n *N, otherwise N) {
	if *n == 0 {
		*n = otherwise
	}
}
