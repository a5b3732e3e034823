// Package rest keeps Discord's REST rate limits and retries requests that are
// safe to repeat.
//
// A [Transport] is an [http.RoundTripper]: an http.Client above it needs to know
// no limits. Limits are learnt from answers, apart from the two that Discord does
// not tell in time: requests a second, and refused requests in ten minutes.
//
// Where to look:
//
//	acquire.go        waiting until a request may be sent
//	bucket.go         the limit of a route and its queue
//	global_limit.go   50 requests a second
//	retry_after.go    what a 429 does, and who waits it out
//	guard.go          what is not sent at all: an IP ban, a dead token or webhook
//	retry.go          which failures are retried, and when
//	reservation.go    the same limits for a library that sends by itself
//
// # What is retried
//
// A request that Discord did not process (429, 503, a dead origin) or that was never
// sent is retried, whatever it is. One that may have been processed (a lost answer,
// 500, 502, 504) is retried only if a second time changes nothing: GET, HEAD, PUT,
// PATCH and DELETE, the few POSTs that Discord makes so, and the creation of a message
// with a nonce and enforce_nonce. For any other the caller gets the error or answer.
//
// The Transport starts no goroutines: a request waits on the goroutine of its
// caller. Requests of one bucket, and those of one token that wait for the global
// limit, are sent in the order in which they came.
//
// A trap: http.Client wraps every error in a [url.Error] that prints the whole URL,
// and the URL of an interaction or a webhook holds its token. [Plain] unwraps it.
package rest
