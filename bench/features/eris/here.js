// The client, the ways it connects, and what several features have in common.
const eris = require("eris");
const https = require("https");
const talk = require("../talk.js");
const { once, cannot, native } = talk;

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
  talk.log(client);
  const ready = once(client, "ready");
  await client.connect();
  await ready;
  return { shards: client.shards.size };
};

// event waits for an event of the client.
const event = (...wanted) => talk.event(client, ...wanted);

const guild = (args) => client.guilds.get(args.guild);
const file = (name, text) => ({ name, file: Buffer.from(text) });
const names = (items) => [...items].map((item) => item.name);
const ids = (items) => [...items].map((item) => item.id);

module.exports = { client: () => client, connect, event, guild, file, names, ids };
