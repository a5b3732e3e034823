// Channels.
const { ChannelType, Events, PermissionFlagsBits } = require("discord.js");
const here = require("./here.js");

const create = async (args, type, more) => {
  const { id, name } = await here.guild(args).channels.create({ name: "workshop", type, ...more });
  return { id, name };
};

module.exports = {
  "text channel": (args) => create(args, ChannelType.GuildText, { topic: "tools", parent: args.category }),
  "voice channel": (args) => create(args, ChannelType.GuildVoice, { userLimit: 5 }),
  "category channel": (args) => create(args, ChannelType.GuildCategory),
  "announcement channel": (args) => create(args, ChannelType.GuildAnnouncement),
  "stage channel": (args) => create(args, ChannelType.GuildStageVoice),
  "forum channel": (args) => create(args, ChannelType.GuildForum, { availableTags: [{ name: "help" }] }),
  "private channel": (args) =>
    create(args, ChannelType.GuildText, {
      permissionOverwrites: [{ id: args.guild, deny: [PermissionFlagsBits.ViewChannel] }, ...[args.person, args.inspector].map((id) => ({ id, allow: [PermissionFlagsBits.ViewChannel] }))],
    }),
  "channel fetch": async (args) => ({ name: (await here.client().channels.fetch(args.channel, { force: true })).name }),
  "channel list": async (args) => ({ count: (await here.guild(args).channels.fetch()).size }),
  "channel edit": async (args) => ({ name: (await here.channel(args).edit({ name: "lobby", topic: "talk", rateLimitPerUser: 5 })).name }),
  "channel delete": async (args) => void (await here.channel(args).delete()),
  overwrite: async (args) => void (await here.channel(args).permissionOverwrites.create(args.role, { SendMessages: false })),
  "overwrite delete": async (args) => void (await here.channel(args).permissionOverwrites.delete(args.role)),
  "channel order": async (args) => void (await here.guild(args).channels.setPositions([{ channel: args.channel, position: 3 }])),
  "channel create event": async (args, ready) => ({ name: (await here.event(ready, Events.ChannelCreate, (c) => c.guildId === args.guild))[0].name }),
  "channel update event": async (args, ready) => ({ name: (await here.event(ready, Events.ChannelUpdate, (before, c) => c.id === args.channel))[1].name }),
  "channel delete event": async (args, ready) => ({ id: (await here.event(ready, Events.ChannelDelete, (c) => c.id === args.channel))[0].id }),
};
