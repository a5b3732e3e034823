package rest

import (
	"strings"
	"time"
)

// Storage keeps the limits that hold from one process to the next, so that a crash loop
// does not run into them again and again. Its methods must not block.
type Storage interface {
	// Limits returns the limits that the processes before have left.
	Limits() []Limit
	// PutLimit keeps a limit in the place of one with the same [Limit.Key].
	PutLimit(Limit)
}

// Limit is a rate limit or a block that holds for a while.
type Limit struct {
	// Reason is ReasonBanned, ReasonInvalid, ReasonGlobal, or that of a bucket.
	Reason Reason
	// Owner, Route, Bucket and Resource say of what: a digest of the token, the route that
	// met it, the id that Discord gave the bucket, and the channel, guild or webhook.
	Owner, Route, Bucket, Resource string `json:",omitempty"`
	// Status is that of the refusal, Code the number on Cloudflare's page; 0 without one.
	Status, Code int `json:",omitempty"`
	// At is when it was met, by the wall clock, and Wait how long it holds from then on; 0
	// if it is over.
	At   time.Time
	Wait time.Duration
}

// Key identifies what is limited.
func (l Limit) Key() string {
	kind := l.Reason
	if kind != ReasonBanned && kind != ReasonInvalid && kind != ReasonGlobal {
		kind = ReasonBucket
	}
	return strings.Join([]string{string(kind), l.Owner, l.Route, l.Bucket, l.Resource}, "\n")
}

// Left is how long the limit still holds. A wall clock that was set ahead ends it early,
// one that was set back never makes it longer than it was, or than is believed.
func (l Limit) Left(now time.Time) time.Duration {
	passed := max(0, now.Round(0).Sub(l.At.Round(0)))
	return min(max(0, l.Wait-passed), maxPause)
}

// minKept is the shortest wait that is kept: a process does not start sooner.
const minKept = 500 * time.Millisecond

// restore begins with the limits that an earlier process has left.
func (t *Transport) restore(now time.Time) {
	for _, l := range t.opts.Storage.Limits() {
		left := l.Left(now)
		if left < minKept {
			continue
		}
		switch l.Reason {
		case ReasonBanned:
			t.ban.began, t.ban.code = now, l.Code
			t.ban.extend(now, left, ReasonBanned, l.Status)
		case ReasonInvalid:
			t.invalid.began, t.invalid.until = now, now.Add(min(left, invalidWindow))
		case ReasonGlobal:
			global := t.globalLimitOf(&request{owner: l.Owner})
			global.pause.extend(now, left, ReasonGlobal, l.Status)
		default:
			t.restoreBucket(l, now, left)
		}
	}
}

// restoreBucket begins with a bucket that was empty. When its time is over one request at a
// time is sent, until an answer tells more.
func (t *Transport) restoreBucket(l Limit, now time.Time, left time.Duration) {
	if len(t.buckets) >= t.opts.MaxBuckets {
		return
	}
	key := bucketKey{owner: l.Owner, name: l.Route, resource: l.Resource}
	if l.Bucket != "" {
		t.routes.put(l.Route, l.Bucket)
		key.name = "bucket " + l.Bucket
	}
	b := &bucket{key: key}
	if l.Status != 0 {
		b.block(now, left, l.Reason, l.Status)
	} else {
		b.known, b.limit, b.resets = true, 1, now.Add(min(left, lookInterval))
	}
	t.buckets[key] = b
}

// keep puts a limit into the storage. The caller holds mu.
func (t *Transport) keep(l Limit, now, until time.Time) {
	if t.opts.Storage == nil {
		return
	}
	l.At, l.Wait = now.Round(0), until.Sub(now)
	if l.Wait >= minKept {
		t.opts.Storage.PutLimit(l)
	}
}

// keepBucket keeps the bucket of a request while it is empty or closed. Those of
// interactions end with their interaction. The caller holds mu.
func (t *Transport) keepBucket(r *request, b *bucket, now time.Time) {
	if strings.HasPrefix(r.route.resource, "interaction ") {
		return
	}
	id, _ := t.routes.get(r.route.name())
	l := Limit{Reason: ReasonBucket, Owner: r.owner, Route: r.route.name(), Bucket: id, Resource: r.route.resource}
	switch {
	case b.pause.active(now):
		l.Reason, l.Status = b.pause.reason, b.pause.status
		t.keep(l, now, b.pause.until)
	case b.known && b.remaining <= 0:
		t.keep(l, now, b.resets)
	}
}

// keepOthers keeps what an answer has stopped beside its bucket, or says that it is over.
// The caller holds mu.
func (t *Transport) keepOthers(r *request, reason Reason, now time.Time) {
	switch reason {
	case ReasonBanned:
		t.keep(Limit{Reason: reason, Status: t.ban.status, Code: t.ban.code}, now, t.ban.until)
	case ReasonInvalid:
		t.keep(Limit{Reason: reason}, now, t.invalid.until)
	case ReasonGlobal:
		if global := t.globalLimitOf(r); global != nil {
			t.keep(Limit{Reason: reason, Owner: r.owner, Status: global.pause.status}, now, global.pause.until)
		}
	}
}

// forget says that a limit is over before its time. The caller holds mu.
func (t *Transport) forget(l Limit) {
	if t.opts.Storage != nil {
		l.At = time.Now().Round(0)
		t.opts.Storage.PutLimit(l)
	}
}
