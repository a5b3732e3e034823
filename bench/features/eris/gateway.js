// What is sent over the gateway, and what keeps the client connected; voice and stages.
const here = require("./here.js");
const { once } = require("../talk.js");

const ofGuild = (args) => (what) => (what.guild || what).id === args.guild;
const move = (args, channel, deaf = true) => here.guild(args).shard.sendWS(4, { guild_id: args.guild, channel_id: channel, self_mute: true, self_deaf: deaf });
const own = (args) => (member) => member.id === args.bot && member.guild.id === args.guild;
const join = async (args, deaf) => {
  const joined = once(here.client(), "voiceChannelJoin", own(args));
  move(args, args.voice, deaf);
  return (await joined)[1];
};
const edit = async (args, change) => void (await here.client().editGuildMember(args.guild, args.person, change));

module.exports = {
  presence: async () => here.client().editStatus("dnd", { name: "playing chess", type: 0 }),
  "custom status": async () => here.client().editStatus("idle", { name: "custom", state: "thinking", type: 4 }),
  "guild in the cache": async (args) => {
    const { name, channels, ownerID } = here.guild(args);
    return { name, channels: channels.size, owner: ownerID };
  },
  "all members": async (args) => ({ ids: here.ids(await here.guild(args).fetchMembers()).sort() }),
  "members by name": async (args) => ({ ids: here.ids(await here.guild(args).fetchMembers({ query: "person", limit: 10 })) }),
  "members by id": async (args) => ({ ids: here.ids(await here.guild(args).fetchMembers({ userIDs: [args.person, args.other] })).sort() }),
  "join a guild": async (args, ready) => {
    const [{ id, name }] = await here.event(ready, "guildCreate");
    return { id, name };
  },
  "leave a guild": async (args, ready) => ({ id: (await here.event(ready, "guildDelete", ofGuild(args)))[0].id }),
  "guild outage": async (args, ready) => {
    const back = once(here.client(), "guildAvailable", ofGuild(args));
    await here.event(ready, "guildUnavailable", ofGuild(args));
    return { id: (await back)[0].id };
  },
  resume: async (args, ready) => ({ content: (await here.event(ready, "messageCreate", (m) => m.channel.id === args.channel))[0].content }),

  "voice join": async (args) => ({ channel: (await join(args)).id }),
  "voice leave": async (args) => {
    await join(args);
    const left = once(here.client(), "voiceChannelLeave", own(args));
    move(args, null);
    await left;
  },
  "voice server event": async (args) => {
    const told = once(here.client(), "rawWS", (packet) => packet.t === "VOICE_SERVER_UPDATE" && packet.d.guild_id === args.guild);
    move(args, args.voice);
    return { guild: (await told)[0].d.guild_id };
  },
  "voice join event": async (args, ready) => {
    const [member, channel] = await here.event(ready, "voiceChannelJoin", ofGuild(args));
    return { user: member.id, channel: channel.id };
  },
  "voice leave event": async (args, ready) => ({ user: (await here.event(ready, "voiceChannelLeave", ofGuild(args)))[0].id }),
  "voice states in the cache": async (args) => ({ ids: here.ids(here.client().getChannel(args.voice).voiceMembers.values()) }),
  "voice state fetch": "does not fetch voice states",
  "voice move": (args) => edit(args, { channelID: args.stage }),
  "voice disconnect": (args) => edit(args, { channelID: null }),
  "voice mute": (args) => edit(args, { mute: true, deaf: true }),
  "voice regions": async () => ({ count: (await here.client().getVoiceRegions()).length }),
  "stage create": async (args) => ({ id: (await here.client().createStageInstance(args.stage, { topic: "talk" })).id }),
  "stage fetch": async (args) => ({ topic: (await here.client().getStageInstance(args.stage)).topic }),
  "stage edit": async (args) => void (await here.client().editStageInstance(args.stage, { topic: "music" })),
  "stage delete": async (args) => void (await here.client().deleteStageInstance(args.stage)),
  "stage event": async (args, ready) => ({ topic: (await here.event(ready, "stageInstanceCreate", ofGuild(args)))[0].topic }),
  "stage speaker": async (args) => void (await here.client().editGuildVoiceState(args.guild, { channelID: args.stage, suppress: false }, args.person)),
  "play a sound": "has no soundboard",
};
