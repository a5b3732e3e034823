// Voice channels, as far as they need no voice server, and stages.
const { Events } = require("discord.js");
const here = require("./here.js");

const move = (args, channel, deaf = true) =>
  here.guild(args).shard.send({ op: 4, d: { guild_id: args.guild, channel_id: channel, self_mute: true, self_deaf: deaf } });
const ownState = (args, fits) => here.event(() => {}, Events.VoiceStateUpdate, (before, state) => state.id === args.bot && state.guild.id === args.guild && fits(state));
const join = async (args, deaf) => {
  const joined = ownState(args, (state) => state.channelId === args.voice);
  move(args, args.voice, deaf);
  return (await joined)[1];
};
const stage = (args) => here.channel(args, "stage").stageInstance || here.guild(args).stageInstances.fetch(args.stage);
const state = async (args) => (await here.member(args)).voice;

module.exports = {
  "voice join": async (args) => ({ channel: (await join(args)).channelId }),
  "voice leave": async (args) => {
    await join(args);
    const left = ownState(args, (state) => state.channelId === null);
    move(args, null);
    await left;
  },
  "voice server event": (args) =>
    new Promise((resolve) => {
      here.guild(args).voiceAdapterCreator({ onVoiceServerUpdate: (data) => resolve({ guild: data.guild_id }), onVoiceStateUpdate() {}, destroy() {} });
      move(args, args.voice);
    }),
  "voice join event": async (args, ready) => {
    const [, { id, channelId }] = await here.event(ready, Events.VoiceStateUpdate, (before, state) => state.guild.id === args.guild);
    return { user: id, channel: channelId };
  },
  "voice leave event": async (args, ready) => ({ user: (await here.event(ready, Events.VoiceStateUpdate, (before, state) => state.guild.id === args.guild && state.channelId === null))[1].id }),
  "voice states in the cache": async (args) => ({ ids: here.guild(args).voiceStates.cache.filter((state) => state.channelId === args.voice).map((state) => state.id) }),
  "voice state fetch": async (args) => ({ channel: (await here.guild(args).voiceStates.fetch(args.person, { force: true })).channelId }),
  "voice move": async (args) => void (await (await state(args)).setChannel(args.stage)),
  "voice disconnect": async (args) => void (await (await state(args)).disconnect()),
  "voice mute": async (args) => void (await (await here.member(args)).edit({ mute: true, deaf: true })),
  "voice regions": async () => ({ count: (await here.client().fetchVoiceRegions()).size }),
  "stage create": async (args) => ({ id: (await here.channel(args, "stage").createStageInstance({ topic: "talk" })).id }),
  "stage fetch": async (args) => ({ topic: (await here.guild(args).stageInstances.fetch(args.stage, { force: true })).topic }),
  "stage edit": async (args) => void (await (await stage(args)).setTopic("music")),
  "stage delete": async (args) => void (await (await stage(args)).delete()),
  "stage event": async (args, ready) => ({ topic: (await here.event(ready, Events.StageInstanceCreate, (stage) => stage.guildId === args.guild))[0].topic }),
  "stage speaker": async (args) => void (await (await state(args)).setSuppressed(false)),
  "play a sound": async (args) => {
    await join(args, false);
    await here.channel(args, "voice").sendSoundboardSound({ soundId: "1" });
  },
};
