// What is sent over the gateway, and what keeps the client connected.
const { ActivityType, Events } = require("discord.js");
const here = require("./here.js");

module.exports = {
  presence: async () => {
    here.client().user.setPresence({ status: "dnd", activities: [{ name: "playing chess", type: ActivityType.Playing }] });
  },
  "custom status": async () => {
    here.client().user.setPresence({ status: "idle", activities: [{ name: "custom", state: "thinking", type: ActivityType.Custom }] });
  },
  "guild in the cache": async (args) => {
    const guild = here.guild(args);
    return { name: guild.name, channels: guild.channels.cache.size, owner: guild.ownerId };
  },
  "all members": async (args) => ({ ids: here.ids(await here.guild(args).members.fetch()).sort() }),
  "members by name": async (args) => ({ ids: here.ids(await here.guild(args).members.fetch({ query: "person" })) }),
  "members by id": async (args) => ({ ids: here.ids(await here.guild(args).members.fetch({ user: [args.person, args.other], force: true })).sort() }),
  "join a guild": async (args, ready) => {
    const [{ id, name }] = await here.event(ready, Events.GuildCreate);
    return { id, name };
  },
  "leave a guild": async (args, ready) => {
    const [{ id }] = await here.event(ready, Events.GuildDelete, (guild) => guild.id === args.guild);
    return { id };
  },
  "guild outage": async (args, ready) => {
    const back = here.event(() => {}, Events.GuildAvailable, (guild) => guild.id === args.guild);
    await here.event(ready, Events.GuildUnavailable, (guild) => guild.id === args.guild);
    return { id: (await back)[0].id };
  },
  resume: async (args, ready) => {
    const [{ content }] = await here.event(ready, Events.MessageCreate, (m) => m.channelId === args.channel);
    return { content };
  },
};
