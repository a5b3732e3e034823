// The bot on discord.js; doc.go says what it has to do.
const { Client, Events, GatewayIntentBits } = require("discord.js");

const intents = [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent];
const client = new Client({ intents, rest: { api: "http://127.0.0.1:8001/api" } });

const say = (...words) => console.log("BOT", ...words);

client.on(Events.ClientReady, () => {
  say("ready");
  say("guilds", client.guilds.cache.filter((guild) => guild.available).size);
});
client.on(Events.ShardResume, () => say("resumed"));
client.on(Events.GuildCreate, (guild) => say("join", guild.name));
client.on(Events.ChannelCreate, (channel) => say("channel", channel.name));
client.on(Events.ChannelDelete, (channel) => say("deleted", channel.name));
client.on(Events.Warn, (text) => console.error("warning:", text));
client.on(Events.Error, (error) => console.error("error:", error));
client.on(Events.ShardDisconnect, (event) => console.error("closed for good:", event.code));
client.on(Events.ShardReconnecting, () => console.error("connecting again"));

client.on(Events.MessageCreate, async (message) => {
  switch (message.content) {
    case "!ping":
      await message.reply("pong").catch((error) => console.error("no answer:", error.message));
      break;
    case "!block":
      // What holds up a handler in JavaScript is work that does not yield.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000 * Number(process.env.BLOCK_SECONDS));
      break;
    case "!channels":
      say("channels", ...client.channels.cache.map((channel) => channel.id).sort());
      break;
    case "!busy":
      client.user.setPresence({ status: "dnd", activities: [{ name: "busy" }] });
      break;
  }
});

client.login(process.env.DISCORD_TOKEN);
