// Package dashboard serves the pages for people: the dashboard, the runbook, the
// public status page and the login, in English and in Thai.
//
//	GET  /          the dashboard
//	GET  /runbook   every cause of the catalogue, explained
//	GET  /status    how the bot is, for its users
//	GET  /login     the form for the token; POST begins a session
//	POST /logout    ends the session
//	GET  /assets/…  style sheet, script and pictures
//
// A [Dashboard] is an [http.Handler] for exactly these paths and methods. The
// package api mounts it, decides who may see what, and bounds what clients cost.
//
// The pages work without a script. With it they follow the live stream of the
// API and reload what has changed.
package dashboard
