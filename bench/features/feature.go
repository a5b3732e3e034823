package features

import "slices"

// Feature is something that a library can do on Discord.
type Feature struct {
	// Name is unique, and Group what it belongs to.
	Name, Group string
	// API is what Discord's documentation calls it.
	API string
	// Does is what a program does, for those who write one: what args it finds beside the
	// usual ones, and what its data holds.
	Does string
	// Needs is what a simulator cannot have, such as a voice server. Such a feature is not tried.
	Needs string

	// prepare makes what has to be there first, act is what people do once the program is
	// ready, and check compares the program's data with the simulator's side. All may be nil.
	prepare, act, check step
	// connects: the program is started anew for it, with its name in CONNECT.
	connects bool
	// shards is how many shards Discord recommends meanwhile; 0 is one.
	shards int
}

// step is a part of a trial.
type step func(*trial) error

// feature makes a row of the table.
func feature(name, api, does string) Feature { return Feature{Name: name, API: api, Does: does} }

// before, people and then set the parts of a row: what is made before the program is asked,
// what people do once it is ready, and what is compared once it says ok.
func (f Feature) before(steps ...step) Feature { f.prepare = all(steps...); return f }
func (f Feature) people(steps ...step) Feature { f.act = all(steps...); return f }
func (f Feature) then(steps ...step) Feature   { f.check = all(steps...); return f }

// in puts rows into a group.
func in(group string, rows ...Feature) []Feature {
	for i := range rows {
		rows[i].Group = group
	}
	return rows
}

// All is the table of features, in groups.
func All() []Feature {
	return slices.Concat(
		connectFeatures(), gatewayFeatures(), messageFeatures(), messageEventFeatures(), reactionFeatures(), pollFeatures(), expressionFeatures(),
		threadFeatures(), channelFeatures(), guildFeatures(), roleFeatures(), memberFeatures(), voiceFeatures(), interactionFeatures(), inviteFeatures(), webhookFeatures(),
		eventFeatures(), moderationFeatures(), accountFeatures(), directFeatures(), errorFeatures(), paidFeatures(),
	)
}
