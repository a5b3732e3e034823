// Package sse serves Server-Sent Events: a [Buffer] of the last events, and a [Stream] of
// them for each client, which goes on where the client was cut off.
package sse
