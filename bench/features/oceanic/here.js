// The client, the ways it connects, and what several features have in common.
const { Client } = require("oceanic.js");
const { once, cannot, native } = require("../talk.js");

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
  client.on("error", (error) => console.error("error:", error));
  client.on("warn", (text) => console.error("warning:", text));
  client.on("debug", (text) => console.error(text));
  const ready = once(client, "ready");
  await client.connect();
  await ready;
  return { shards: client.shards.size };
};

// event waits for an event that fits, and tells the driver before.
const event = async (ready, name, fits, data) => {
  const waiting = once(client, name, fits);
  ready(data);
  return waiting;
};

const guild = (args) => client.guilds.get(args.guild);
const rest = () => client.rest;
const channels = () => client.rest.channels;
const guilds = () => client.rest.guilds;
const file = (name, text) => ({ index: 0, name, contents: Buffer.from(text) });
const names = (items) => [...items].map((item) => item.name);
const ids = (items) => [...items].map((item) => item.id);

module.exports = { client: () => client, connect, event, guild, rest, channels, guilds, file, names, ids };
