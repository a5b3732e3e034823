// Package simapi is the control API of the simulated Discord: its world as it is, what
// people do in it, what goes wrong, and every change as it happens. It serves programs of
// this machine alone, in any language.
//
//	GET  /sim/world, /sim/members, /sim/messages, /sim/commands    how the world is
//	POST /sim/say, /sim/edit, /sim/delete, /sim/react, ...         a person does something
//	POST /sim/use, /sim/press, /sim/submit, /sim/complete          a person uses the bot
//	GET  /sim/interactions/{id}                                    what came of that
//	GET  /sim/events                                               every change, as Server-Sent Events
//	GET, POST, DELETE /sim/faults; GET /sim/verdict                what goes wrong; how the bot fares
//	GET  /sim/openapi.json                                         all of it, for programs
//
// openapi.json describes the requests and the answers; tests hold both to it. Errors are
// application/problem+json with a sentence that says what would be right.
package simapi
