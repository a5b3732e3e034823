package rest

import (
	"cmp"
	"slices"
	"time"
)

// bucketKey identifies a rate limit: the token, the bucket's id (or the route while
// that is unknown), and the top-level resource (G-127).
type bucketKey struct {
	owner, name, resource string
}

// bucket is one rate limit, as far as answers have told it, and the queue of the
// requests that wait for it. Guarded by Transport.mu.
type bucket struct {
	key bucketKey
	// known: an answer has told limit, remaining and resets. free: an answer has
	// told that there is no limit. While neither is set, one request at a time is
	// sent.
	known, free      bool
	limit, remaining int
	resets           time.Time
	// pause is the wait after a refusal.
	pause pause

	inflight int
	queue    queue
}

// ready reports whether a request may be sent. If not, until is when to try again;
// zero means after the next answer.
func (b *bucket) ready(now time.Time) (until time.Time, reason Reason, ok bool) {
	if b.pause.active(now) {
		until, ok = b.pause.ready(now)
		return until, b.pause.reason, ok
	}
	switch {
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

// reserve counts a request that is about to be sent.
func (b *bucket) reserve() {
	b.inflight++
	b.remaining--
}

// update stores the headers of an answer. others are the requests under way that
// the answer may not have counted. In a window already known the smaller number
// counts, because answers overtake each other.
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

// block closes the bucket after a refusal. What is known about its window stays; if
// nothing is, one request at a time is sent afterwards.
func (b *bucket) block(now time.Time, wait time.Duration, reason Reason, status int) {
	b.pause.extend(now, wait, reason, status)
	b.free = false
}

// idle reports whether no request uses the bucket.
func (b *bucket) idle() bool { return b.inflight == 0 && len(b.queue) == 0 }

// expired reports whether the bucket limits nothing any more.
func (b *bucket) expired(now time.Time) bool {
	return !b.pause.active(now) && !now.Before(b.resets)
}

// bucketOf finds or makes the bucket of a request: by the bucket id that answers to
// its route have carried, or by the route. The caller holds mu.
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

// updateBucket stores the headers of an answer and returns the bucket they belong
// to. The caller holds mu.
func (t *Transport) updateBucket(r *request, b *bucket, a answer, now time.Time) *bucket {
	q, told := a.quota()
	if !told {
		// A refusal by something in front of Discord says nothing about the route.
		_, known := t.routes.get(r.route.name())
		if status := a.status(); !known && status >= 200 && status < 300 {
			t.routes.put(r.route.name(), "")
			b.free = true
		}
		return b
	}
	t.routes.put(r.route.name(), q.bucket)
	target := t.bucketOf(r)
	others := target.inflight
	if target != b { // those that wait in b move there
		others += b.inflight
	}
	target.update(q, now, others)
	return target
}

// evictBuckets drops the expired buckets and, if that is not enough, the idle ones
// that reset soonest. The caller holds mu.
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
		if b.pause.until.After(b.resets) {
			return b.pause.until
		}
		return b.resets
	}
	slices.SortFunc(unused, func(a, b *bucket) int { return until(a).Compare(until(b)) })
	for _, b := range unused[:min(excess, len(unused))] {
		delete(t.buckets, b.key)
	}
}

// dropUnused drops a bucket that is idle and expired.
func (t *Transport) dropUnused(b *bucket) {
	if b.idle() && b.expired(time.Now()) && t.buckets[b.key] == b {
		delete(t.buckets, b.key)
	}
}

// queue holds requests in order of arrival. A request that comes back, as after a
// 429, takes its old place.
type queue []*request

func (q *queue) enter(r *request) {
	at, there := slices.BinarySearchFunc(*q, r, byArrival)
	if !there {
		*q = slices.Insert(*q, at, r)
	}
}

// leave removes a request and notifies the one that is first now.
func (q *queue) leave(r *request) {
	if at, there := slices.BinarySearchFunc(*q, r, byArrival); there {
		*q = slices.Delete(*q, at, at+1)
		q.notifyFirst()
	}
}

func (q queue) first(r *request) bool { return len(q) > 0 && q[0] == r }

// notifyFirst makes the first request try again.
func (q queue) notifyFirst() {
	if len(q) > 0 {
		q[0].notify()
	}
}

func byArrival(a, b *request) int { return cmp.Compare(a.arrival, b.arrival) }
