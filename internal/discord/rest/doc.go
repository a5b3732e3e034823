// Package rest is at heart Discord's manners over HTTP: it lets a request out
// when it is welcome, repeats it when that is safe, and otherwise says in words
// why it stays at home.
//
// A [Transport] is an [http.RoundTripper]; whatever speaks to Discord's REST
// API through an http.Client above it keeps the rate limits without knowing
// them. Limits are learnt from answers and never written down here, apart from
// the two that Discord does not tell in time: requests a second, and refused
// requests in ten minutes.
//
// # What is repeated
//
// A request that Discord refused unprocessed (429, 503, a dead origin) or that
// never left this host is repeated whatever it is. One that may have been
// processed (a lost answer, 500, 502, 504) is repeated only if a second time
// changes nothing: GET, HEAD, PUT, PATCH and DELETE, the few POSTs of which
// Discord itself makes sure, and the creation of a message whose body carries a
// nonce and enforce_nonce. Everything else is handed back to the caller, who
// alone can tell whether saying it twice does harm.
//
// The Transport has no goroutines: whoever waits does the waiting.
//
// A trap: http.Client wraps every error into a [url.Error] that prints the whole
// URL, and the URL of an interaction or a webhook holds its token. [Plain] takes
// that layer off.
//
// Statement ids such as G-128 refer to the table in docs/conformance.md.
package rest
