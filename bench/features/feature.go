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
	prepare, act, check func(*trial) error
	// connects: the program is started anew for it, with its name in CONNECT.
	connects bool
	// shards is how many shards Discord recommends meanwhile; 0 is one.
	shards int
}

// All is the table of features, in groups.
func All() []Feature {
	return slices.Concat(connectFeatures(), messageFeatures())
}
