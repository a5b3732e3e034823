// Package api is the HTTP server of a running bot: probes, JSON, metrics, badges
// and a live stream. The pages for people are of package dashboard, which it
// mounts.
//
//	GET /livez     200 while the process serves; never depends on Discord
//	GET /readyz    200 while the bot is online, else 503 with the reason
//	GET /readyz/bot  the same, and behind evergreen proxy a bot is there and reads
//	GET /startupz  200 once the program has started its work
//	GET /health    the state of the bot in short, as JSON
//	GET /api/v1/…  status, incidents, uptime, latency, rates, shards, logs, and
//	               events: the live stream of all of these
//	GET /metrics   the same for Prometheus
//	GET /badge/…   state.svg and uptime.svg
//	GET /          the dashboard; /status, if wanted, the public status page
//
// openapi.json describes the JSON endpoints; tests check the responses against it.
//
// A supervisor restarts what fails /livez, so that must not fail over something
// a restart cannot mend: liveness of the process is not health of the gateway.
//
// The probes, the badges and the status page are open. All else needs the token,
// if there is one, in a header or by a login in a browser. Without a token it is
// served on a loopback address only, to requests that name this machine and have
// come through no proxy.
//
// A [Server] expects hostile clients: it reads little, waits briefly and holds
// few connections, so that no client can keep a probe from its answer.
package api
