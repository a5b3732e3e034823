// What is sent over the gateway, and what keeps the client connected; voice and stages.
const here = require("./here.js");
const { once } = require("../talk.js");

const shard = (args) => here.guild(args).shard;
const ofGuild = (args) => (guild) => guild.id === args.guild;
const ownState = (args, fits) => once(here.client(), "voiceStateUpdate", (member) => member.id === args.bot && member.guildID === args.guild && fits(member.voiceState));
const join = async (args, selfDeaf = true) => {
  const joined = ownState(args, (state) => state && state.channelID === args.voice);
  shard(args).updateVoiceState(args.guild, args.voice, { selfDeaf, selfMute: true });
  return (await joined)[0].voiceState;
};

module.exports = {
  presence: async (args) => shard(args).editStatus("dnd", [{ name: "playing chess", type: 0 }]),
  "custom status": async (args) => shard(args).editStatus("idle", [{ name: "custom", state: "thinking", type: 4 }]),
  "guild in the cache": async (args) => {
    const { name, channels, ownerID } = here.guild(args);
    return { name, channels: channels.size, owner: ownerID };
  },
  "all members": async (args) => ({ ids: here.ids(await shard(args).requestGuildMembers(args.guild)).sort() }),
  "members by name": async (args) => ({ ids: here.ids(await shard(args).requestGuildMembers(args.guild, { query: "person", limit: 10 })) }),
  "members by id": async (args) => ({ ids: here.ids(await shard(args).requestGuildMembers(args.guild, { userIDs: [args.person, args.other] })).sort() }),
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
  resume: async (args, ready) => ({ content: (await here.event(ready, "messageCreate", (m) => m.channelID === args.channel))[0].content }),

  "voice join": async (args) => ({ channel: (await join(args)).channelID }),
  "voice leave": async (args) => {
    await join(args);
    const left = ownState(args, (state) => !state || !state.channelID);
    shard(args).updateVoiceState(args.guild, null);
    await left;
  },
  "voice server event": async (args) => {
    const told = once(here.client(), "voiceServerUpdate", ofGuild(args));
    shard(args).updateVoiceState(args.guild, args.voice);
    return { guild: (await told)[0].id };
  },
  "voice join event": async (args, ready) => {
    const [member, channel] = await here.event(ready, "voiceChannelJoin", (member) => member.guildID === args.guild);
    return { user: member.id, channel: channel.id };
  },
  "voice leave event": async (args, ready) => ({ user: (await here.event(ready, "voiceChannelLeave", (member) => member.guildID === args.guild))[0].id }),
  "voice states in the cache": async (args) => ({ ids: [...here.guild(args).voiceStates.values()].filter((s) => s.channelID === args.voice).map((s) => s.userID) }),
  "voice state fetch": async (args) => ({ channel: (await here.guilds().getVoiceState(args.guild, args.person)).channelID }),
  "voice move": async (args) => void (await here.guilds().editMember(args.guild, args.person, { channelID: args.stage })),
  "voice disconnect": async (args) => void (await here.guilds().editMember(args.guild, args.person, { channelID: null })),
  "voice mute": async (args) => void (await here.guilds().editMember(args.guild, args.person, { mute: true, deaf: true })),
  "voice regions": async () => ({ count: (await here.rest().misc.getVoiceRegions()).length }),
  "stage create": async (args) => ({ id: (await here.channels().createStageInstance(args.stage, { topic: "talk" })).id }),
  "stage fetch": async (args) => ({ topic: (await here.channels().getStageInstance(args.stage)).topic }),
  "stage edit": async (args) => void (await here.channels().editStageInstance(args.stage, { topic: "music" })),
  "stage delete": async (args) => void (await here.channels().deleteStageInstance(args.stage)),
  "stage event": async (args, ready) => ({ topic: (await here.event(ready, "stageInstanceCreate", (stage) => stage.guildID === args.guild))[0].topic }),
  "stage speaker": async (args) => void (await here.guilds().editUserVoiceState(args.guild, args.person, { channelID: args.stage, suppress: false })),
  "play a sound": async (args) => {
    await join(args, false);
    await here.channels().sendSoundboardSound(args.voice, { soundID: "1" });
  },
};
