// The ping bot on discord.js, put together as in its guide.
const { Client, Events, GatewayIntentBits, GatewayOpcodes } = require('discord.js');

const sends = 130;
const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMembers, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
  rest: { api: process.env.DISCORD_API_URL.replace(/\/v\d+$/, '') },
});

client.on(Events.MessageCreate, async (message) => {
  switch (message.content) {
    case '!ping':
      await message.reply('pong').catch((error) => console.error('no answer:', error.message));
      break;
    case '!block':
      // What holds up a handler in JavaScript is work that does not yield.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(process.env.PING_BLOCK_MS));
      break;
    case '!sends':
      for (let i = 0; i < sends; i++) {
        message.guild.shard.send({ op: GatewayOpcodes.VoiceStateUpdate, d: { guild_id: message.guildId, channel_id: null, self_mute: false, self_deaf: false } });
      }
      break;
  }
});

process.on('SIGTERM', async () => {
  await client.destroy();
  process.exit(0);
});

client.login(process.env.DISCORD_TOKEN);
