// What the args name, in the client's cache.
const connection = require("./connect.js");

const client = () => connection.client;
const guild = (args) => client().guilds.cache.get(args.guild);
const channel = (args, name = "channel") => client().channels.cache.get(args[name]);

module.exports = { client, guild, channel };
