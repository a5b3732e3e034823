// The client, the ways it connects, and what several features have in common.
const eris = require("eris");
const https = require("https");
const { once, cannot, native } = require("../talk.js");

const ways = {
  "": () => ({}),
  identify: () => ({}),
  "without compression": () => ({}),
  "payload compression": () => cannot("has zlib-stream only"),
  "zlib-stream": () => {
    native("zlib-sync");
    return { compress: true };
  },
  "zstd-stream": () => cannot("has zlib-stream only"),
  "ETF encoding": () => {
    native("erlpack");
    return {};
  },
  "two shards": () => ({ maxShards: "auto" }),
};

let client;

const connect = async (how) => {
  const way = ways[how] || (() => cannot("is not tried"));
  // eris reaches REST by https alone and has no setting for the port.
  const rest = new URL(process.env.DISCORD_TLS);
  client = new eris.Client("Bot " + process.env.DISCORD_TOKEN, {
    intents: ["all"],
    restMode: true,
    rest: { agent: new https.Agent({ host: rest.hostname, port: rest.port, rejectUnauthorized: false, keepAlive: true }) },
    ...way(),
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
const file = (name, text) => ({ name, file: Buffer.from(text) });
const names = (items) => [...items].map((item) => item.name);
const ids = (items) => [...items].map((item) => item.id);

module.exports = { client: () => client, connect, event, guild, file, names, ids };
