package discordsim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// rateLimit is a number of requests in a span of time.
type rateLimit struct {
	Requests int
	Per      time.Duration
}

// bucketTable is the quota of each route group that has one (S-084). Routes of
// no group send no rate limit headers, as Discord's do. Only the first three
// numbers have been seen in the wild; the others are this simulator's choice.
var bucketTable = map[string]rateLimit{
	"message-write":   {5, 5 * time.Second}, // POST and PATCH share it
	"webhook":         {5, 2 * time.Second},
	"reaction":        {1, 250 * time.Millisecond},
	"message-delete":  {5, time.Second},
	"message-bulk":    {1, time.Second},
	"crosspost":       {10, 3600 * time.Second},
	"pin":             {5, 4 * time.Second},
	"message-read":    {10, 5 * time.Second},
	"typing":          {5, 5 * time.Second},
	"channel-read":    {20, 5 * time.Second},
	"guild-read":      {20, 5 * time.Second},
	"member-read":     {5, time.Second},
	"member-list":     {10, 10 * time.Second},
	"member-edit":     {10, 10 * time.Second},
	"member-role":     {10, 10 * time.Second},
	"ban-read":        {10, 5 * time.Second},
	"ban-write":       {10, 10 * time.Second},
	"role-read":       {10, 5 * time.Second},
	"role-write":      {10, 10 * time.Second},
	"guild-edit":      {5, 10 * time.Second},
	"channel-create":  {10, 10 * time.Second},
	"channel-edit":    {10, 10 * time.Second},
	"thread-create":   {10, 10 * time.Second},
	"thread-edit":     {10, 5 * time.Second},
	"thread-read":     {10, 5 * time.Second},
	"webhook-manage":  {10, 10 * time.Second},
	"invite":          {10, 10 * time.Second},
	"emoji":           {50, time.Hour},
	"sticker":         {20, time.Minute},
	"poll":            {10, 5 * time.Second},
	"stage":           {10, 10 * time.Second},
	"scheduled-event": {10, 10 * time.Second},
	"sound":           {10, 10 * time.Second},
	"automod":         {10, 10 * time.Second},
	"user-edit":       {5, time.Hour},
	"template":        {10, 10 * time.Second},
	"voice-state":     {10, 10 * time.Second},
	"audit-read":      {5, 5 * time.Second},
	"dm-open":         {10, 10 * time.Second},
	"user-me":         {10, 5 * time.Second},
	"user-read":       {20, 5 * time.Second},
	"guild-list":      {10, 10 * time.Second},
	"app-me":          {10, 5 * time.Second},
	"app-edit":        {5, 10 * time.Second},
	"command-read":    {10, 5 * time.Second},
	"command-write":   {10, 10 * time.Second},
}

// bucketKey is the group and the top-level resource: the owner of the token
// and the channel, guild or webhook in the path.
type bucketKey struct {
	name, owner, resource string
}

// bucket is one counter. It counts in fixed windows that begin with the first
// request after the last one ran out.
type bucket struct {
	rateLimit
	used  int
	until time.Time
	// emptyTold and limitedTold are when the client was told Remaining 0 and 429 in this
	// window; what it sends afterwards is a violation.
	emptyTold, limitedTold time.Time
	// sharedUntil is until when others have used up the resource, sharedTold
	// when the client was told so.
	sharedUntil, sharedTold time.Time
}

// maxBuckets bounds the memory of counters; expired ones go first.
const maxBuckets = 20_000

// bucketOf finds the counter of a request, nil when the route has none.
func (r *restAPI) bucketOf(c *restRequest) *bucket {
	limit, ok := r.limit(c.route.bucket)
	if !ok {
		return nil
	}
	key := bucketKey{name: c.route.bucket, resource: c.majorParameter()}
	if c.app != nil {
		key.owner = c.app.ID.String()
	}
	b := r.buckets[key]
	if b == nil {
		if len(r.buckets) >= maxBuckets {
			for k, old := range r.buckets {
				if !c.now.Before(old.until) {
					delete(r.buckets, k)
				}
			}
		}
		b = &bucket{rateLimit: limit}
		r.buckets[key] = b
	}
	if !c.now.Before(b.until) {
		*b = bucket{rateLimit: limit, until: c.now.Add(limit.Per), sharedUntil: b.sharedUntil, sharedTold: b.sharedTold}
	}
	return b
}

// limit is the rate limit of a group.
func (r *restAPI) limit(name string) (rateLimit, bool) {
	l, ok := r.cfg.limits[name]
	if !ok {
		l, ok = bucketTable[name]
	}
	return l, ok && l.Requests > 0 && l.Per > 0
}

// take uses up one request; it reports false when none was left.
func (b *bucket) take() bool {
	if b.used >= b.Requests {
		return false
	}
	b.used++
	return true
}

// headers writes the counter into a response. Reset carries the skew of the clock
// fault, Reset-After does not, which is why clients prefer it.
func (b *bucket) headers(h http.Header, name string, now time.Time, skew time.Duration) {
	left := b.until.Sub(now)
	h.Set("X-RateLimit-Limit", strconv.Itoa(b.Requests))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, b.Requests-b.used)))
	h.Set("X-RateLimit-Reset", seconds(time.Duration(b.until.Add(skew).UnixNano())))
	h.Set("X-RateLimit-Reset-After", seconds(left))
	h.Set("X-RateLimit-Bucket", bucketID(name))
}

// bucketID is the opaque id of a group: without the top-level resource, and
// the same in every run.
func bucketID(name string) string {
	sum := sha256.Sum256([]byte("bucket " + name))
	return hex.EncodeToString(sum[:16])
}

// seconds prints a time as Discord does, in whole milliseconds, rounded up so
// that waiting exactly as long as asked is long enough.
func seconds(d time.Duration) string {
	ms := (max(0, d) + time.Millisecond - 1) / time.Millisecond
	return fmt.Sprintf("%d.%03d", ms/1000, ms%1000)
}

// scope is the X-RateLimit-Scope of a 429 (S-085).
type scope string

const (
	scopeUser   scope = "user"
	scopeShared scope = "shared"
	scopeGlobal scope = "global"
)

// limitedAnswer is the 429 of one scope.
func limitedAnswer(who scope, wait time.Duration) restResponse {
	message := "You are being rate limited."
	if who == scopeShared {
		message = "The resource is being rate limited."
	}
	h := http.Header{}
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	h.Set("X-RateLimit-Scope", string(who))
	if who == scopeGlobal {
		h.Set("X-RateLimit-Global", "true")
	}
	return restResponse{
		status: http.StatusTooManyRequests, header: h, scope: who, wait: wait,
		body: map[string]any{"message": message, "retry_after": json.Number(seconds(wait)), "global": who == scopeGlobal},
	}
}

// slowmode refuses a message that a bot sends too soon after its last one in a channel, where
// RESTConfig.SlowmodeForBots says that slow mode is for bots too.
func (r *restAPI) slowmode(c *restRequest, ch *Channel) (restResponse, bool) {
	if !r.cfg.SlowmodeForBots || ch.Guild == nil || r.sim.can(c.app, ch, permissionBypassSlowmode) {
		return restResponse{}, false
	}
	pause := ch.slowmode()
	for _, m := range slices.Backward(r.sim.history[ch.ID]) {
		left := pause - c.now.Sub(m.Timestamp)
		switch {
		case left <= 0:
			return restResponse{}, false
		case m.Author.ID == c.app.Bot.ID && m.Interaction == 0 && m.WebhookID == 0:
			return slowmodeAnswer(left), true
		}
	}
	return restResponse{}, false
}

// slowmodeAnswer is the 429 of a slow mode that goes on for so long.
func slowmodeAnswer(left time.Duration) restResponse {
	a := limitedAnswer(scopeUser, left)
	a.body = map[string]any{
		"message": "This action cannot be performed due to slowmode rate limit.", "code": 20016, "retry_after": json.Number(seconds(left)), "global": false,
	}
	return a
}

// slowmode is how long a user has to wait between two messages in a channel.
func (ch *Channel) slowmode() time.Duration {
	if ch.isThread() {
		return time.Duration(ch.thread.slowmode) * time.Second
	}
	n, _ := ch.settings["rate_limit_per_user"].(int64)
	return time.Duration(n) * time.Second
}

// window counts all requests of one token, or of one address without a token,
// in one second; paused lasts while a global 429 holds.
type window struct {
	start      time.Time
	used       int
	paused     time.Time
	pausedTold time.Time
}

// globalOf is the window a request counts in.
func (r *restAPI) globalOf(c *restRequest) *window {
	key := c.client
	if c.app != nil {
		key = c.app.ID.String()
	}
	w := r.global[key]
	if w == nil {
		w = &window{}
		r.global[key] = w
	}
	return w
}

// globalLimit counts the request and refuses it above the limit. Interaction
// callbacks and their webhooks stand outside.
func (r *restAPI) globalLimit(c *restRequest) (restResponse, bool) {
	if c.route.exempt || r.sim.apps[c.id("webhook")] != nil {
		return restResponse{}, false
	}
	w := r.globalOf(c)
	if c.now.Before(w.paused) {
		if r.wasTold(c, w.pausedTold) {
			r.violation(c, "G-130", fmt.Sprintf("%s was sent during a global rate limit pause, %s before its end", c.label(), w.paused.Sub(c.now)))
		}
		return limitedAnswer(scopeGlobal, w.paused.Sub(c.now)), true
	}
	if c.now.Sub(w.start) >= time.Second {
		*w = window{start: c.now}
	}
	if w.used++; r.cfg.GlobalLimit < 0 || w.used <= r.cfg.GlobalLimit {
		return restResponse{}, false
	}
	w.paused, w.pausedTold = w.start.Add(time.Second), time.Time{}
	r.violation(c, "G-131", fmt.Sprintf("more than %d requests in one second", r.cfg.GlobalLimit))
	return limitedAnswer(scopeGlobal, w.paused.Sub(c.now)), true
}

// routeLimit counts the request in its bucket and refuses it when the bucket
// is empty.
func (r *restAPI) routeLimit(c *restRequest) (restResponse, bool) {
	if c.bucket = r.bucketOf(c); c.bucket == nil {
		return restResponse{}, false
	}
	b := c.bucket
	if left := b.sharedUntil.Sub(c.now); left > 0 {
		if r.wasTold(c, b.sharedTold) {
			r.violation(c, "G-129", fmt.Sprintf("%s was sent %s before the end of a shared rate limit it had been told of by a 429", c.label(), left))
		}
		return limitedAnswer(scopeShared, left), true
	}
	if b.take() {
		return restResponse{}, false
	}
	switch left := b.until.Sub(c.now); {
	case r.wasTold(c, b.limitedTold):
		r.violation(c, "G-129", fmt.Sprintf("%s was sent %s before the end of a rate limit it had been told of by a 429", c.label(), left))
	case r.wasTold(c, b.emptyTold):
		r.violation(c, "G-128", fmt.Sprintf("%s was sent %s before Reset-After although Remaining was 0", c.label(), left))
	}
	return limitedAnswer(scopeUser, b.until.Sub(c.now)), true
}
