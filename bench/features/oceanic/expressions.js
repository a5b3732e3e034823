// Emojis, stickers and sounds.
const here = require("./here.js");

const bytes = (uri) => Buffer.from(uri.split(",")[1], "base64");
const ofGuild = (args) => (guild) => guild.id === args.guild;

module.exports = {
  "emoji create": async (args) => {
    const { id, name } = await here.guilds().createEmoji(args.guild, { name: "wave", image: args.picture });
    return { id, name };
  },
  "emoji list": async (args) => ({ names: here.names(await here.guilds().getEmojis(args.guild)) }),
  "emoji edit": async (args) => void (await here.guilds().editEmoji(args.guild, args.emoji, { name: "grin" })),
  "emoji delete": async (args) => void (await here.guilds().deleteEmoji(args.guild, args.emoji)),
  "emojis event": async (args, ready) => ({ name: (await here.event(ready, "guildEmojisUpdate", ofGuild(args)))[1][0].name }),
  "application emoji": async (args) => {
    const { id } = await here.rest().applications.createEmoji(args.app, { name: "mark", image: args.picture });
    const { items } = await here.rest().applications.getEmojis(args.app);
    await here.rest().applications.deleteEmoji(args.app, id);
    return { id, names: here.names(items) };
  },
  "sticker create": async (args) =>
    ({ id: (await here.guilds().createSticker(args.guild, { name: "hello", tags: "wave", description: "waves", file: { name: "hello.png", contents: bytes(args.picture) } })).id }),
  "sticker list": async (args) => ({ names: here.names(await here.guilds().getStickers(args.guild)) }),
  "sticker edit": async (args) => void (await here.guilds().editSticker(args.guild, args.sticker, { name: "bye" })),
  "sticker delete": async (args) => void (await here.guilds().deleteSticker(args.guild, args.sticker)),
  "sticker send": async (args) => ({ id: (await here.channels().createMessage(args.channel, { stickerIDs: [args.sticker] })).id }),
  "sticker packs": async () => ({ count: (await here.rest().misc.getStickerPacks()).length }),
  "stickers event": async (args, ready) => ({ name: (await here.event(ready, "guildStickersUpdate", ofGuild(args)))[1][0].name }),
  "sound create": async (args) => ({ id: (await here.guilds().createSoundboardSound(args.guild, { name: "bang", sound: args.sound_file })).id }),
  "sound list": async (args) => ({ names: here.names(await here.guilds().getSoundboardSounds(args.guild)) }),
  "sound edit": async (args) => void (await here.guilds().editSoundboardSound(args.guild, args.sound, { name: "puff" })),
  "sound delete": async (args) => void (await here.guilds().deleteSoundboardSound(args.guild, args.sound)),
  "default sounds": async () => ({ count: (await here.rest().misc.getDefaultSoundboardSounds()).length }),
  "sounds event": async (args, ready) => ({ name: (await here.event(ready, "guildSoundboardSoundCreate", (sound) => sound.guildID === args.guild))[0].name }),
  "request sounds": async (args) => ({ names: here.names(await here.guild(args).shard.requestSoundboardSounds(args.guild)) }),
};
