// Package chat serves the chat page of the simulated Discord, in English and in Thai:
// guilds and channels with their messages, a box to type into as any person, buttons,
// menus, modals and slash commands of the bot, faults by button, and how the bot fares.
//
//	GET /              the page
//	GET /assets/…      style sheets, scripts and pictures
//	GET /attachments/… files that bots and people have uploaded
//
// Everything else the page asks of the control API (internal/web/simapi), which the same
// server has to serve below /sim/. What the page shows comes from bots and people and is
// data: its scripts make elements and texts of it and never read markup.
package chat
