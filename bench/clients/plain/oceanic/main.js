// A plain bot on oceanic.js, put together as in its README and its examples.
const { Client, InteractionTypes } = require("oceanic.js");

const client = new Client({
  auth: "Bot " + process.env.DISCORD_TOKEN,
  gateway: { intents: ["GUILDS", "GUILD_MESSAGES", "MESSAGE_CONTENT"] },
  rest: { baseURL: process.env.DISCORD_API_URL },
});

client.on("ready", async () => {
  console.log("Ready as", client.user.tag);
});

// Without this listener an error would end the process, its README says.
client.on("error", (err) => {
  console.error("Something Broke!", err);
});

client.on("messageCreate", async (msg) => {
  if (msg.content === "!ping") {
    await client.rest.channels.createMessage(msg.channelID, { content: "Pong!", messageReference: { messageID: msg.id } });
  }
});

client.on("interactionCreate", async (interaction) => {
  if (interaction.type === InteractionTypes.APPLICATION_COMMAND && interaction.data.name === "ping") {
    await interaction.createMessage({ content: "Pong!" });
  }
});

client.connect();
