package features

import (
	"errors"
	"slices"

	"evergreen/discordsim"
)

// connectFeatures are the ways to connect. A program finds the name in CONNECT, and answers
// "connect" alone.
func connectFeatures() []Feature {
	connect := func(name, api, does string, checks ...step) Feature {
		f := feature(name, api, does).then(checks...)
		f.connects = true
		return f
	}
	compressed := func(how string) step {
		return onConnections(func(c discordsim.ConnLog) error { return equal("compress in the URL", c.Compress, how) })
	}
	payloads := func(asked bool) step {
		return onConnections(func(c discordsim.ConnLog) error { return equal("compress in IDENTIFY", compresses(c), asked) })
	}
	two := connect("two shards", "Sharding", "connects with as many shards as GET /gateway/bot recommends, two; data: shards (how many)", said("shards", 2), func(t *trial) error {
		return equal("attached sessions", t.sim.AttachedSessions(t.app), 2)
	})
	two.shards = 2
	return in("connect",
		connect("identify", "Identify", "connects as the library does by itself"),
		connect("without compression", "Gateway URL Query String Params", "connects without any compression", compressed(""), payloads(false)),
		connect("payload compression", "Payload Compression", "connects with compress:true in IDENTIFY", payloads(true)),
		connect("zlib-stream", "Transport Compression", "connects with compress=zlib-stream", compressed("zlib-stream")),
		connect("zstd-stream", "Transport Compression", "connects with compress=zstd-stream", compressed("zstd-stream")),
		connect("ETF encoding", "Encoding Messages", "connects with encoding=etf", onConnections(func(c discordsim.ConnLog) error {
			return equal("encoding in the URL", c.Encoding, "etf")
		})),
		two,
	)
}

// onConnections makes a check of every connection of the bot.
func onConnections(check func(discordsim.ConnLog) error) step {
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
