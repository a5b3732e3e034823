// The client, and the ways it connects.
const { Client, Events, GatewayIntentBits, Partials } = require("discord.js");
const { CompressionMethod, SimpleShardingStrategy } = require("@discordjs/ws");
const { once, log, cannot, native } = require("../talk.js");

const numbers = (flags) => Object.values(flags).filter((flag) => typeof flag === "number");

// discord.js takes zlib-stream where the native module zlib-sync is there, and has no option for
// it; the strategy sees the options of its WebSocket manager.
const strategy = (change) => (manager) => {
  change(manager.options);
  return new SimpleShardingStrategy(manager);
};

const ways = {
  "": () => ({}),
  identify: () => ({}),
  "without compression": () => ({ ws: { buildStrategy: strategy((options) => (options.compression = null)) } }),
  "payload compression": () => ({ ws: { buildStrategy: strategy((options) => (options.compression = CompressionMethod.ZlibStream)) } }),
  "zlib-stream": () => {
    native("zlib-sync");
    return {};
  },
  "zstd-stream": () => cannot("has zlib-stream only"),
  "ETF encoding": () => cannot("has JSON only"),
  "two shards": () => ({ shards: "auto" }),
};

let client;

const connect = async (how) => {
  const way = ways[how] || (() => cannot("is not tried"));
  client = module.exports.client = new Client({
    intents: numbers(GatewayIntentBits),
    partials: numbers(Partials),
    rest: { api: process.env.DISCORD_ORIGIN + "/api" },
    ...way(),
  });
  log(client);
  const ready = once(client, Events.ClientReady);
  await client.login(process.env.DISCORD_TOKEN);
  await ready;
  return { shards: client.ws.shards.size };
};

module.exports = { connect };
