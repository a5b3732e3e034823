// Package api is at heart the answer to "how is the bot?" for whoever asks over
// HTTP: a supervisor, a monitor, a person with a browser or with curl.
//
//	GET /livez     200 while the process serves; never depends on Discord
//	GET /readyz    200 while the bot is online, else 503 with the reason
//	GET /startupz  200 once the program has started its work
//	GET /health    how the bot is, at a glance, as JSON
//	GET /api/v1/…  status, incidents, uptime, latency, shards, logs, and events:
//	               the live stream of all of these
//	GET /metrics   the same for Prometheus
//	GET /badge/…   state.svg and uptime.svg
//	GET /          the dashboard for people; /status, if wanted, for everybody
//
// openapi.json describes what programs are answered, and tests hold the answers
// against it.
//
// A supervisor restarts what fails /livez, so that must not fail over something
// a restart cannot mend: liveness of the process is not health of the gateway.
//
// The probes, the badges and the status page are open. Everything else needs the
// token, if there is one, in a header or by a login in a browser; without a token
// it is served on a loopback address only, to requests that name this machine. A
// [Server] expects hostile clients: it reads little, waits briefly
// and holds few connections, so that no stranger can keep a probe from its
// answer. How health is computed it does not know: it takes functions that tell.
package api
