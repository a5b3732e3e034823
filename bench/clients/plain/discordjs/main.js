// A plain bot on discord.js, put together as in its README and its guide.
const { Client, Events, GatewayIntentBits } = require("discord.js");

const api = process.env.DISCORD_API_URL;
const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
  rest: { api: api.slice(0, api.indexOf("/v10")) },
});

client.on(Events.ClientReady, (readyClient) => {
  console.log(`Logged in as ${readyClient.user.tag}!`);
});

client.on(Events.MessageCreate, async (message) => {
  if (message.content === "!ping") await message.reply("Pong!");
});

client.on(Events.InteractionCreate, async (interaction) => {
  if (!interaction.isChatInputCommand()) return;
  if (interaction.commandName === "ping") await interaction.reply("Pong!");
});

client.login(process.env.DISCORD_TOKEN);
