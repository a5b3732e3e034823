// Package discordsim simulates Discord for a bot under test. It serves the REST
// API and the gateway, in memory in virtual time or on a loopback port,
// misbehaves on request, and records every protocol violation, every command
// that was lost or answered twice, and every second the bot was offline.
//
// It knows nothing of the rest of this module. The first word of a file's name
// says which side it belongs to: gateway, rest, fault, network, world or people.
//
// Statement ids such as S-042 in comments refer to the table in
// docs/conformance.md.
package discordsim
