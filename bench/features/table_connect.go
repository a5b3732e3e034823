package features

import (
	"errors"
	"slices"

	"evergreen/discordsim"
)

// connectFeatures are the ways to connect. A program finds the name in CONNECT, and answers
// "connect" alone.
func connectFeatures() []Feature {
	connect := func(name, api, does string, check func(*trial) error) Feature {
		return Feature{Name: name, Group: "connect", API: api, Does: does, connects: true, check: check}
	}
	compressed := func(how string) func(*trial) error {
		return onConnections(func(c discordsim.ConnLog) error { return equal("compress in the URL", c.Compress, how) })
	}
	return []Feature{
		connect("identify", "Identify", "connects as the library does by itself", nil),
		connect("without compression", "Gateway URL, Identify", "connects without any compression", all(compressed(""), onConnections(func(c discordsim.ConnLog) error {
			return equal("compress in IDENTIFY", compresses(c), false)
		}))),
		connect("payload compression", "Payload Compression", "connects with compress:true in IDENTIFY", onConnections(func(c discordsim.ConnLog) error {
			return equal("compress in IDENTIFY", compresses(c), true)
		})),
		connect("zlib-stream", "zlib-stream", "connects with compress=zlib-stream", compressed("zlib-stream")),
		connect("zstd-stream", "zstd-stream", "connects with compress=zstd-stream", compressed("zstd-stream")),
	}
}

// onConnections makes a check of every connection of the bot.
func onConnections(check func(discordsim.ConnLog) error) func(*trial) error {
	return func(t *trial) error {
		connections := t.sim.Connections(t.app)
		if len(connections) == 0 {
			return errors.New("there is no connection")
		}
		for _, c := range connections {
			if err := check(c); err != nil {
				return err
			}
		}
		return nil
	}
}

// compresses reports whether the IDENTIFY on a connection has asked for compression.
func compresses(c discordsim.ConnLog) bool {
	return slices.ContainsFunc(c.Frames, func(f discordsim.Frame) bool { return f.Client != nil && f.Client.Compress })
}
