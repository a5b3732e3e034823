// Package statuspage reads Discord's public status page.
//
// A [Poller] fetches it once a minute, with conditional requests, and keeps the
// latest [Status]. A page that cannot be reached, is malformed or is old counts as
// nothing known. Nothing about the connection depends on it: it only decides
// whether people read "Discord, not you", and whether alerts wait.
package statuspage
