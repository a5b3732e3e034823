// Package features tries what libraries of several languages can do, each feature of them, on a
// simulated Discord: real libraries in processes of their own, loopback, real time. A feature
// works if the program says so and the simulator agrees.
//
// [All] is the one table of features. For each library there is one program, which tries them
// one after another, and knows nothing of what the others do.
//
//	go -C bench run ./cmd/features                  all libraries; writes docs/features.md
//	go -C bench run ./cmd/features --only eris      one of them
//	go -C bench run ./cmd/features --list           the features and what a program does for each
//	go test -C bench ./features -v                  the same as a test
//
// zlib-stream and ETF need modules that npm compiles, with the headers of Node.js, in JavaScript:
// EVERGREEN_NODE_NATIVE names a folder where "npm install zlib-sync erlpack" has done so. Without
// it these are not tried, and the table keeps what it says.
//
// # The protocol
//
// The driver starts a program with three variables in its environment:
//
//	DISCORD_TOKEN   the bot's token, without "Bot "
//	DISCORD_ORIGIN  where the REST API is, such as http://127.0.0.1:40001; /api/v10 follows
//	DISCORD_TLS     the same by https with a certificate that nobody knows, for libraries that speak nothing else
//	CONNECT         how it connects: "" as the library does by itself, or the name of a feature of the group "connect"
//
// Both sides write lines of JSON. What a program prints that does not begin with {"feature" is
// for people. The program first connects with all intents and says, once the guilds that READY
// has named are there:
//
//	{"feature":"connect","state":"ok"}
//
// Then the driver asks for one feature at a time, and the program tries it:
//
//	{"feature":"message reply","args":{"guild":"123","channel":"456","person":"789"}}
//
// It may say once that it is ready for what people do then; data is what the driver has to
// know for it:
//
//	{"feature":"message reply","state":"ready","data":{"message":"1011"}}
//
// It ends with exactly one of these:
//
//	{"feature":"message reply","state":"ok","data":{"id":"1011","content":"hello"}}
//	{"feature":"message reply","state":"error","reason":"50001: Missing Access"}
//	{"feature":"message reply","state":"cannot","reason":"has no polls"}
//
// "ok" is what the library returned, or the event it told of, in data; the driver compares.
// "cannot" is for what a library has no call, event or field for. A feature that a program does not know it answers
// with "untried". A program that does not answer for ten seconds has failed that feature, and the next follows; what it
// says later of the one before is not heard. It ends when its standard input does.
//
// Every feature has a guild of its own, in which the bot may do everything but ADMINISTRATOR.
// The args always name: guild, channel (text), news, forum, voice, stage, category, role
// (below the bot's own), person, other and third (three members), inspector (another bot,
// which does what only members with permissions do), bot and app (the bot's own id and its
// application's). All ids are strings. What else is needed the table says in Does.
package features
