// The bot on eris; doc.go says what it has to do.
const eris = require("eris");
const https = require("https");

// eris reaches REST by https alone and has no setting for the port.
const rest = new URL(process.env.DISCORD_REST);
const client = new eris.Client("Bot " + process.env.DISCORD_TOKEN, {
  intents: ["guilds", "guildMessages", "messageContent"],
  rest: { agent: new https.Agent({ host: rest.hostname, port: rest.port, rejectUnauthorized: false, keepAlive: true }) },
});
const here = { url: "ws://127.0.0.1:8001", shards: 1, session_start_limit: { total: 1000, remaining: 1000, reset_after: 86400000, max_concurrency: 16 } };
client.getGateway = async () => here;
client.getBotGateway = async () => here;

const say = (...words) => console.log("BOT", ...words);

client.on("ready", () => {
  say("ready");
  say("guilds", client.guilds.size);
});
client.on("shardResume", () => say("resumed"));
client.on("guildCreate", (guild) => say("join", guild.name));
client.on("channelCreate", (channel) => say("channel", channel.name));
client.on("channelDelete", (channel) => say("deleted", channel.name));
client.on("warn", (text) => console.error("warning:", text));
client.on("error", (error) => console.error("error:", error.message));
client.on("shardDisconnect", (error) => console.error("disconnected:", error && error.message));

client.on("messageCreate", (message) => {
  switch (message.content) {
    case "!ping":
      client.createMessage(message.channel.id, { content: "pong", messageReference: { messageID: message.id } })
        .catch((error) => console.error("no answer:", error.message));
      break;
    case "!block":
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000 * Number(process.env.BLOCK_SECONDS));
      break;
    case "!channels":
      say("channels", ...client.guilds.map((guild) => guild.channels.map((channel) => channel.id)).flat().sort());
      break;
    case "!busy":
      client.editStatus("dnd", { name: "busy", type: 0 });
      break;
  }
});

client.connect();
