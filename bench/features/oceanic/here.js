// The client, the ways it connects, and what several features have in common.
const { Client } = require("oceanic.js");
const talk = require("../talk.js");
const { once, cannot, native } = talk;

const ways = {
  "": () => ({}),
  identify: () => ({}),
  "without compression": () => ({ compress: false }),
  "payload compression": () => cannot("does not read messages that are compressed one by one"),
  "zlib-stream": () => ({ compress: "zlib-stream", compressLibrary: "pako" }),
  "zstd-stream": () => {
    native("zstd-napi");
    return { compress: "zstd-stream" };
  },
  "ETF encoding": () => {
    native("erlpack");
    return {};
  },
  "two shards": () => ({ maxShards: "auto" }),
};

let client;

const connect = async (how) => {
  const way = ways[how] || (() => cannot("is not tried"));
  client = new Client({
    auth: "Bot " + process.env.DISCORD_TOKEN,
    rest: { baseURL: process.env.DISCORD_ORIGIN + "/api/v10" },
    gateway: { intents: ["ALL"], seedVoiceConnections: false, ...way() },
  });
  talk.log(client);
  const ready = once(client, "ready");
  await client.connect();
  await ready;
  return { shards: client.shards.size };
};

// event waits for an event of the client.
const event = (...wanted) => talk.event(client, ...wanted);

const guild = (args) => client.guilds.get(args.guild);
const rest = () => client.rest;
const channels = () => client.rest.channels;
const guilds = () => client.rest.guilds;
const file = (name, text) => ({ index: 0, name, contents: Buffer.from(text) });
const names = (items) => [...items].map((item) => item.name);
const ids = (items) => [...items].map((item) => item.id);

module.exports = { client: () => client, connect, event, guild, rest, channels, guilds, file, names, ids };
