package rest

import (
	"cmp"
	"slices"
	"time"
)

// bucketKey is what a rate limit belongs to: the token, the bucket's id (or the
// route while that is unknown), and the top-level resource (G-127).
type bucketKey struct {
	owner, name, resource string
}

// bucket is one rate limit as far as answers have told it, and the line of
// those who wait for it. Guarded by Transport.mu.
type bucket struct {
	key bucketKey
	// known is whether an answer has told limit, remaining and resets; free
	// whether it has told that there is no limit. While neither is, one request
	// at a time finds out.
	known, free      bool
	limit, remaining int
	resets           time.Time
	// paused is the end of a pause after a 429, why its kind.
	paused time.Time
	why    Reason

	inflight int
	queue    queue
}

// ready reports whether a request may go. If not, until is when to look again;
// zero means after an answer that is under way.
func (b *bucket) ready(now time.Time) (until time.Time, why Reason, ok bool) {
	switch {
	case now.Before(b.paused):
		return b.paused, b.why, false
	case b.free:
		return time.Time{}, "", true
	case !b.known:
		return time.Time{}, ReasonBucket, b.inflight == 0
	case !now.Before(b.resets):
		// The window is over. What is still under way may count in the next.
		return time.Time{}, ReasonBucket, b.inflight < b.limit
	case b.remaining > 0:
		return time.Time{}, "", true
	}
	return b.resets, ReasonBucket, false
}

// reserve reserves one request.
func (b *bucket) reserve() {
	b.inflight++
	b.remaining--
}

// update takes in the headers of an answer. others are the requests under way
// that the answer may not have counted yet. In a window already known, the more
// careful number wins, because answers overtake each other.
func (b *bucket) update(q quota, now time.Time, others int) {
	left := max(0, q.remaining)
	if b.known && now.Before(b.resets) {
		left = min(left, b.remaining)
	} else {
		left = max(0, left-others)
		b.resets = now
	}
	b.known, b.free = true, false
	b.limit = max(1, q.limit, q.remaining)
	b.remaining = left
	if resets := now.Add(q.resetAfter); resets.After(b.resets) {
		b.resets = resets
	}
}

// pause closes the bucket after a 429 (G-129). What it said about its window is
// kept; without that, one request at a time tries afterwards.
func (b *bucket) pause(until time.Time, why Reason) {
	if until.After(b.paused) {
		b.paused, b.why = until, why
	}
	b.free = false
}

// idle reports whether nobody uses the bucket, blank whether it holds nothing
// worth keeping.
func (b *bucket) idle() bool { return b.inflight == 0 && len(b.queue) == 0 }

func (b *bucket) expired(now time.Time) bool {
	return !now.Before(b.paused) && (!b.known || !now.Before(b.resets))
}

// bucketOf finds or makes the bucket of a ticket: by the id that answers to its
// route have carried, or by the route itself.
func (t *Transport) bucketOf(r *request) *bucket {
	key := bucketKey{owner: r.owner, name: r.route.name(), resource: r.route.resource}
	id, told := t.routes.get(r.route.name())
	if id != "" {
		key.name = "bucket " + id
	}
	b := t.buckets[key]
	if b == nil {
		if len(t.buckets) >= t.opts.MaxBuckets {
			t.evictBuckets()
		}
		b = &bucket{key: key, free: told && id == ""}
		t.buckets[key] = b
	}
	return b
}

// evictBuckets makes room: it drops the buckets that hold nothing any more and, if
// that is not enough, the unused ones that reset soonest.
func (t *Transport) evictBuckets() {
	now := time.Now()
	var unused []*bucket
	for key, b := range t.buckets {
		switch {
		case !b.idle():
		case b.expired(now):
			delete(t.buckets, key)
		default:
			unused = append(unused, b)
		}
	}
	excess := len(t.buckets) - t.opts.MaxBuckets*3/4
	if excess <= 0 {
		return
	}
	until := func(b *bucket) time.Time {
		if b.paused.After(b.resets) {
			return b.paused
		}
		return b.resets
	}
	slices.SortFunc(unused, func(a, b *bucket) int { return until(a).Compare(until(b)) })
	for _, b := range unused[:min(excess, len(unused))] {
		delete(t.buckets, b.key)
	}
}

// dropUnused drops a bucket that nobody uses and that holds nothing.
func (t *Transport) dropUnused(b *bucket) {
	if b.idle() && b.expired(time.Now()) && t.buckets[b.key] == b {
		delete(t.buckets, b.key)
	}
}

// queue is a queue in order of arrival. A request that has to come back, after a
// 429 say, takes its old place.
type queue []*request

func (l *queue) enter(r *request) {
	at, there := slices.BinarySearchFunc(*l, r, byArrival)
	if !there {
		*l = slices.Insert(*l, at, r)
	}
}

// leave takes a ticket out and wakes the one that is first now.
func (l *queue) leave(r *request) {
	if at, there := slices.BinarySearchFunc(*l, r, byArrival); there {
		*l = slices.Delete(*l, at, at+1)
		l.notifyFirst()
	}
}

func (l queue) first(r *request) bool { return len(l) > 0 && l[0] == r }

// notifyFirst makes the first in line look again.
func (l queue) notifyFirst() {
	if len(l) > 0 {
		l[0].notify()
	}
}

func byArrival(a, b *request) int { return cmp.Compare(a.arrival, b.arrival) }
