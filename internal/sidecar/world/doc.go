// Package world keeps the guilds of a bot as Discord has last described them. A new process
// of the bot gets its READY and its GUILD_CREATEs from it.
//
// A guild is one compressed block of its raw GUILD_CREATE and a list of raw patches, one or
// a few for each event that has changed it since. The block is rebuilt when the patches have
// outgrown a quarter of it. Reading a guild applies the patches to a copy. Nothing is decoded
// deeper than the object that a patch replaces, so fields that this package does not know
// survive byte for byte.
//
// The first word of what is looked for names the file: event.go says what each event changes,
// patch.go what a patch is, document.go how patches are applied to a GUILD_CREATE, json.go how
// raw JSON is split, block.go how a block is compressed, checkpoint.go how a world is written
// and read.
//
// Some fields are older than Discord's on purpose, because they would cost a patch for each
// message: last_message_id of channels, and message_count of threads.
package world
