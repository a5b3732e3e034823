// Messages, reactions, polls, emojis and stickers, and their events.
const here = require("./here.js");

const send = async (args, what, file, channel = args.channel) => {
  const { id } = await here.client().createMessage(channel, what, file);
  return { id };
};
const reply = (args, more) => send(args, { content: "hello", messageReference: { messageID: args.message }, ...more });
const get = (args) => here.client().getMessage(args.channel, args.message);
const bytes = (uri) => Buffer.from(uri.split(",")[1], "base64");

const inChannel = (args) => (what) => what.channel.id === args.channel;
const ofMessage = (args) => (what) => what.id === args.message;
const ofGuild = (args) => (what) => (what.guild || what).id === args.guild;
const written = async (args, ready) => (await here.event(ready, "messageCreate", inChannel(args)))[0];
const soundless = "has no soundboard";

module.exports = {
  "message create": async (args) => {
    const { id, content } = await here.client().createMessage(args.channel, "hello");
    return { id, content };
  },
  "message reply": (args) => reply(args, { allowedMentions: { repliedUser: true } }),
  "message reply without a ping": (args) => reply(args, { allowedMentions: { repliedUser: false } }),
  "message forward": (args) => send(args, { messageReference: { type: 1, messageID: args.message, channelID: args.channel } }, undefined, args.news),
  "message with a nonce": "does not send enforce_nonce",
  "silent message": (args) => send(args, { content: "hello", flags: 4096 }),
  "allowed mentions": (args) => send(args, { content: `<@${args.person}> <@${args.other}>`, allowedMentions: { users: [args.person] } }),
  "role mention": (args) => send(args, { content: `<@&${args.role}>`, allowedMentions: { roles: [args.role] } }),
  embed: async (args) => {
    const embed = { title: "Title", description: "text", color: 0x112233, fields: [{ name: "a", value: "b", inline: true }], footer: { text: "foot" }, author: { name: "me" } };
    const { id, embeds } = await here.client().createMessage(args.channel, { embeds: [embed] });
    return { id, title: embeds[0].title };
  },
  "attachment upload": async (args) => {
    const { id, attachments } = await here.client().createMessage(args.channel, { attachments: [{ id: 0, description: "my notes" }] }, here.file("notes.txt", "some notes"));
    const [{ filename, size }] = [...attachments.values()];
    return { id, name: filename, size };
  },
  "attachment download": async (args) => ({ text: await (await fetch([...(await get(args)).attachments.values()][0].url)).text() }),
  "attachment in an embed": async (args) => {
    const { id, embeds } = await here.client().createMessage(args.channel, { embeds: [{ image: { url: "attachment://picture.png" } }] }, here.file("picture.png", "a picture"));
    return { id, url: embeds[0].image.url };
  },
  "attachment edit": async (args) => {
    const { id } = await send(args, {}, here.file("a.txt", "a"));
    await here.client().editMessage(args.channel, id, { attachments: [{ id: 0 }], file: here.file("b.txt", "b") });
    return { id };
  },
  "message edit": async (args) => {
    const { id } = await send(args, "hello");
    return { id, content: (await here.client().editMessage(args.channel, id, "changed")).content };
  },
  "suppress embeds": async (args) => {
    const { id } = await send(args, { embeds: [{ title: "Title" }] });
    await here.client().editMessage(args.channel, id, { flags: 4 });
    return { id };
  },
  "message delete": async (args) => {
    const { id } = await send(args, "hello");
    await here.client().deleteMessage(args.channel, id);
    return { id };
  },
  "bulk delete": async (args) => {
    const all = here.ids(await here.client().getMessages(args.channel));
    await here.client().deleteMessages(args.channel, all);
    return { count: all.length };
  },
  "message fetch": async (args) => {
    const { content, author } = await get(args);
    return { content, author: author.id };
  },
  "message history": async (args) => {
    const last = await here.client().getMessages(args.channel, { limit: 3 });
    const before = await here.client().getMessages(args.channel, { limit: 2, before: last[2].id });
    return { contents: [...last, ...before].map((m) => m.content) };
  },
  "message search": "has no search of messages",
  crosspost: async (args) => {
    const { id } = await send(args, "news", undefined, args.news);
    await here.client().crosspostMessage(args.news, id);
    return { id };
  },
  "follow announcements": async (args) => void (await here.client().followChannel(args.news, args.channel)),
  pin: async (args) => void (await here.client().pinMessage(args.channel, args.message)),
  unpin: async (args) => void (await here.client().unpinMessage(args.channel, args.message)),
  "list pins": async (args) => ({ ids: here.ids(await here.client().getPins(args.channel)) }),
  typing: async (args) => void (await here.client().sendChannelTyping(args.channel)),
  "components v2": (args) => {
    const section = { type: 9, components: [{ type: 10, content: "side" }], accessory: { type: 2, style: 1, label: "Press", custom_id: "press" } };
    return send(args, { flags: 32768, components: [{ type: 17, components: [{ type: 10, content: "hello" }, { type: 14 }, section] }] });
  },
  "rate limit": async (args) => {
    const sent = await Promise.all(Array.from({ length: 7 }, (_, i) => send(args, `number ${i}`)));
    return { count: new Set(sent.map((m) => m.id)).size };
  },

  "message event": async (args, ready) => {
    const { content, author } = await written(args, ready);
    return { content, author: author.id };
  },
  "mention event": async (args, ready) => ({ mentions: here.ids((await written(args, ready)).mentions) }),
  "reply event": async (args, ready) => {
    const { id } = await send(args, "ask me");
    const [{ content, messageReference }] = await here.event(ready, "messageCreate", (m) => m.channel.id === args.channel && m.messageReference, { id });
    return { id: messageReference.messageID, content };
  },
  "message edit event": async (args, ready) => {
    const [{ id, content }] = await here.event(ready, "messageUpdate", inChannel(args));
    return { id, content };
  },
  "message delete event": async (args, ready) => ({ id: (await here.event(ready, "messageDelete", inChannel(args)))[0].id }),
  "bulk delete event": async (args, ready) => ({ count: (await here.event(ready, "messageDeleteBulk", (all) => all[0].channel.id === args.channel))[0].length }),
  "pins event": async (args, ready) => ({ channel: (await here.event(ready, "channelPinUpdate", (channel) => channel.id === args.channel))[0].id }),
  "typing event": async (args, ready) => ({ user: (await here.event(ready, "typingStart", (channel) => channel.id === args.channel))[1].id }),
  "attachment event": async (args, ready) => ({ name: [...(await written(args, ready)).attachments.values()][0].filename }),
  "webhook message event": async (args, ready) => {
    const { content, webhookID } = await written(args, ready);
    return { content, webhook: webhookID };
  },
  "crosspost event": async (args, ready) => {
    const [{ id, flags }] = await here.event(ready, "messageUpdate", (m) => m.channel.id === args.news);
    return { id, flags };
  },

  "reaction add": async (args) => void (await here.client().addMessageReaction(args.channel, args.message, "👍")),
  "custom emoji reaction": async (args) => void (await here.client().addMessageReaction(args.channel, args.message, `smile:${args.emoji}`)),
  "reaction remove": async (args) => {
    await here.client().addMessageReaction(args.channel, args.message, "👍");
    await here.client().removeMessageReaction(args.channel, args.message, "👍");
  },
  "reaction of another": async (args) => void (await here.client().removeMessageReaction(args.channel, args.message, "👍", args.person)),
  "reactions of an emoji": async (args) => void (await here.client().removeMessageReactionEmoji(args.channel, args.message, "👍")),
  "reactions clear": async (args) => void (await here.client().removeMessageReactions(args.channel, args.message)),
  "reaction list": async (args) => ({ ids: here.ids(await here.client().getMessageReaction(args.channel, args.message, "👍")) }),
  "reaction add event": async (args, ready) => {
    const [, emoji, user] = await here.event(ready, "messageReactionAdd", ofMessage(args));
    return { emoji: emoji.name, user: user.id };
  },
  "reaction remove event": async (args, ready) => {
    const [, emoji, user] = await here.event(ready, "messageReactionRemove", ofMessage(args));
    return { emoji: emoji.name, user };
  },
  "reactions of an emoji event": async (args, ready) => ({ emoji: (await here.event(ready, "messageReactionRemoveEmoji", ofMessage(args)))[1].name }),
  "reactions clear event": async (args, ready) => ({ id: (await here.event(ready, "messageReactionRemoveAll", ofMessage(args)))[0].id }),

  "poll create": (args) =>
    send(args, { poll: { question: { text: "Tea?" }, answers: [{ poll_media: { text: "yes", emoji: { name: "🍵" } } }, { poll_media: { text: "no" } }], duration: 2, allow_multiselect: false, layout_type: 1 } }),
  "poll vote event": async (args, ready) => {
    const [, user, answer] = await here.event(ready, "messagePollVoteAdd", ofMessage(args));
    return { user: user.id, answer };
  },
  "poll unvote event": async (args, ready) => {
    const [, user, answer] = await here.event(ready, "messagePollVoteRemove", ofMessage(args));
    return { user: user.id, answer };
  },
  "poll voters": async (args) => ({ ids: here.ids(await here.client().getPollAnswerVoters(args.channel, args.message, 1)) }),
  "poll end": async (args) => void (await here.client().endPoll(args.channel, args.message)),
  "poll results": async (args) => ({ votes: (await get(args)).poll.results.answer_counts.find((answer) => answer.id === 1).count }),

  "emoji create": async (args) => {
    const { id, name } = await here.client().createGuildEmoji(args.guild, { name: "wave", image: args.picture });
    return { id, name };
  },
  "emoji list": async (args) => ({ names: here.names(await here.client().getRESTGuildEmojis(args.guild)) }),
  "emoji edit": async (args) => void (await here.client().editGuildEmoji(args.guild, args.emoji, { name: "grin" })),
  "emoji delete": async (args) => void (await here.client().deleteGuildEmoji(args.guild, args.emoji)),
  "emojis event": async (args, ready) => ({ name: (await here.event(ready, "guildEmojisUpdate", ofGuild(args)))[1][0].name }),
  "application emoji": "has no emojis of applications",
  "sticker create": async (args) =>
    ({ id: (await here.client().createGuildSticker(args.guild, { name: "hello", tags: "wave", description: "waves", file: { name: "hello.png", file: bytes(args.picture) } })).id }),
  "sticker list": async (args) => ({ names: here.names(await here.client().getRESTGuildStickers(args.guild)) }),
  "sticker edit": async (args) => void (await here.client().editGuildSticker(args.guild, args.sticker, { name: "bye" })),
  "sticker delete": async (args) => void (await here.client().deleteGuildSticker(args.guild, args.sticker)),
  "sticker send": (args) => send(args, { stickerIDs: [args.sticker] }),
  "sticker packs": async () => ({ count: (await here.client().getNitroStickerPacks()).sticker_packs.length }),
  "stickers event": async (args, ready) => ({ name: (await here.event(ready, "guildStickersUpdate", ofGuild(args)))[1][0].name }),
  "sound create": soundless,
  "sound list": soundless,
  "sound edit": soundless,
  "sound delete": soundless,
  "default sounds": soundless,
  "sounds event": soundless,
  "request sounds": soundless,
};
