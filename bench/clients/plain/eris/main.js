// A plain bot on eris, put together as in its README.
const Eris = require("eris");

// eris reaches REST by https alone, and has no setting for the port.
const http = require("http");
const https = require("https");
const api = new URL(process.env.DISCORD_API_URL);
https.request = (options, answered) => http.request({ ...options, host: api.hostname, port: api.port, agent: undefined }, answered);

const bot = new Eris("Bot " + process.env.DISCORD_TOKEN, {
  intents: ["guilds", "guildMessages", "messageContent"],
});

bot.on("ready", () => {
  console.log("Ready!");
});

bot.on("error", (err) => {
  console.error(err);
});

bot.on("messageCreate", (msg) => {
  if (msg.content === "!ping") {
    bot.createMessage(msg.channel.id, { content: "Pong!", messageReference: { messageID: msg.id } });
  }
});

bot.on("interactionCreate", (interaction) => {
  if (interaction instanceof Eris.CommandInteraction && interaction.data.name === "ping") {
    return interaction.createMessage("Pong!");
  }
});

bot.connect();
