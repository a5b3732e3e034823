// Package clients holds minimal bots on libraries of several languages, and runs them,
// unmodified but for the one setting that evergreen proxy setup prints, against evergreen
// proxy in front of a simulated Discord: real processes, loopback, real time.
//
// A bot prints "BOT ready" when its library says so, and in the same way "resumed", "join
// GUILD", "channel NAME" and "deleted NAME", and "guilds COUNT" once its library has all guilds that READY has named; everything else it prints is for people. It
// answers !ping with the reply pong, !block by holding up its handlers for BLOCK_SECONDS,
// !busy by a presence, and !channels by
// printing the ids in its library's cache, if it has one. It finds DISCORD_TOKEN in its environment, and in DISCORD_REST the
// host of Discord's REST API for libraries whose requests do not go through Evergreen.
//
// The sources hold the setting for the default address, 127.0.0.1:8001. Before a bot runs, the
// address of the test takes its place.
//
// discord.py is Debian's. EVERGREEN_DISCORDPY names a Python that has a newer one, which then
// lives through the same; without it that one is skipped, and the test says so.
//
// Scenarios are told in the tests:
//
//	go test -C bench ./clients -v                     a few minutes
//	go test -C bench ./clients -v -run /discord.js    one library
//	go test -C bench ./clients -v -slow -timeout 1h   with those of minutes
//
// go -C bench run ./cmd/clients kills the bots at random, with Evergreen and without.
package clients
