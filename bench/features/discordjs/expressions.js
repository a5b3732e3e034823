// Emojis, stickers and sounds.
const { Events } = require("discord.js");
const here = require("./here.js");

const bytes = (uri) => Buffer.from(uri.split(",")[1], "base64");

module.exports = {
  "emoji create": async (args) => {
    const { id, name } = await here.guild(args).emojis.create({ attachment: args.picture, name: "wave" });
    return { id, name };
  },
  "emoji list": async (args) => ({ names: here.names(await here.guild(args).emojis.fetch()) }),
  "emoji edit": async (args) => void (await here.guild(args).emojis.edit(args.emoji, { name: "grin" })),
  "emoji delete": async (args) => void (await here.guild(args).emojis.delete(args.emoji)),
  "emojis event": async (args, ready) => ({ name: (await here.event(ready, Events.GuildEmojiCreate, (e) => e.guild.id === args.guild))[0].name }),
  "application emoji": async (args) => {
    const { emojis } = here.client().application;
    const emoji = await emojis.create({ attachment: args.picture, name: "mark" });
    const names = here.names(await emojis.fetch());
    await emoji.delete();
    return { id: emoji.id, names };
  },
  "sticker create": async (args) => {
    const file = { attachment: bytes(args.picture), name: "hello.png" };
    return { id: (await here.guild(args).stickers.create({ file, name: "hello", tags: "wave", description: "waves" })).id };
  },
  "sticker list": async (args) => ({ names: here.names(await here.guild(args).stickers.fetch()) }),
  "sticker edit": async (args) => void (await here.guild(args).stickers.edit(args.sticker, { name: "bye" })),
  "sticker delete": async (args) => void (await here.guild(args).stickers.delete(args.sticker)),
  "sticker send": async (args) => ({ id: (await here.channel(args).send({ stickers: [args.sticker] })).id }),
  "sticker packs": async () => ({ count: (await here.client().fetchStickerPacks()).size }),
  "stickers event": async (args, ready) => ({ name: (await here.event(ready, Events.GuildStickerCreate, (s) => s.guildId === args.guild))[0].name }),
  "sound create": async (args) => ({ id: (await here.guild(args).soundboardSounds.create({ name: "bang", file: bytes(args.sound_file), contentType: "audio/mp3" })).soundId }),
  "sound list": async (args) => ({ names: here.names(await here.guild(args).soundboardSounds.fetch()) }),
  "sound edit": async (args) => void (await here.guild(args).soundboardSounds.edit(args.sound, { name: "puff" })),
  "sound delete": async (args) => void (await here.guild(args).soundboardSounds.delete(args.sound)),
  "default sounds": async () => ({ count: (await here.client().fetchDefaultSoundboardSounds()).size }),
  "sounds event": async (args, ready) => ({ name: (await here.event(ready, Events.GuildSoundboardSoundCreate, (s) => s.guildId === args.guild))[0].name }),
  "request sounds": async (args) => {
    const sounds = await here.client().guilds.fetchSoundboardSounds({ guildIds: [args.guild] });
    return { names: here.names(sounds.get(args.guild)) };
  },
};
