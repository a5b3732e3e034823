// Package discordsim is at heart a Discord that tells the truth about what a
// bot did to it. It serves the REST API and the gateway, in memory under
// virtual time or on a loopback port, misbehaves on request, and keeps an
// account of every protocol violation, every lost or doubled answer and every
// second the dot was grey.
//
// It knows nothing of the rest of this module but the wire.
//
// Statement ids such as S-042 in comments refer to the table in
// docs/conformance.md.
package discordsim
