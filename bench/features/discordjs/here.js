// What the args name, in the client's cache, and what several features have in common.
const connection = require("./connect.js");
const talk = require("../talk.js");

const client = () => connection.client;
const guild = (args) => client().guilds.cache.get(args.guild);
const channel = (args, name = "channel") => client().channels.cache.get(args[name]);
const message = (args, name = "channel") => channel(args, name).messages.fetch(args.message);
const member = (args, name = "person") => guild(args).members.fetch(args[name]);
const thread = (args) => client().channels.fetch(args.thread);

// event waits for an event of the client.
const event = (...wanted) => talk.event(client(), ...wanted);

const ids = (collection) => [...collection.keys()];
const names = (collection) => [...collection.values()].map((item) => item.name);

module.exports = { client, guild, channel, message, member, thread, event, ids, names };
