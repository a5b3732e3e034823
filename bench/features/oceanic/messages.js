// Messages, reactions and polls that the client sends.
const here = require("./here.js");

const send = async (args, what, channel = args.channel) => {
  const { id } = await here.channels().createMessage(channel, what);
  return { id };
};
const reply = (args, more) => send(args, { content: "hello", messageReference: { messageID: args.message, channelID: args.channel }, ...more });
const title = { embeds: [{ title: "Title" }] };

module.exports = {
  "message create": async (args) => {
    const { id, content } = await here.channels().createMessage(args.channel, { content: "hello" });
    return { id, content };
  },
  "message reply": (args) => reply(args, { allowedMentions: { repliedUser: true } }),
  "message reply without a ping": (args) => reply(args, { allowedMentions: { repliedUser: false } }),
  "message forward": (args) => send(args, { messageReference: { type: 1, messageID: args.message, channelID: args.channel } }, args.news),
  "message with a nonce": async (args) => {
    const once = () => send(args, { content: "hello", nonce: "7", enforceNonce: true });
    return { id: (await once()).id, again: (await once()).id };
  },
  "silent message": (args) => send(args, { content: "hello", flags: 4096 }),
  "allowed mentions": (args) => send(args, { content: `<@${args.person}> <@${args.other}>`, allowedMentions: { users: [args.person] } }),
  "role mention": (args) => send(args, { content: `<@&${args.role}>`, allowedMentions: { roles: [args.role] } }),
  embed: async (args) => {
    const embed = { title: "Title", description: "text", color: 0x112233, fields: [{ name: "a", value: "b", inline: true }], footer: { text: "foot" }, author: { name: "me" } };
    const { id, embeds } = await here.channels().createMessage(args.channel, { embeds: [embed] });
    return { id, title: embeds[0].title };
  },
  "attachment upload": async (args) => {
    const { id, attachments } = await here.channels().createMessage(args.channel, { files: [here.file("notes.txt", "some notes")], attachments: [{ id: "0", description: "my notes" }] });
    const [{ filename, size }] = attachments.values();
    return { id, name: filename, size };
  },
  "attachment download": async (args) => {
    const [{ url }] = (await here.channels().getMessage(args.channel, args.message)).attachments.values();
    return { text: await (await fetch(url)).text() };
  },
  "attachment in an embed": async (args) => {
    const { id, embeds } = await here.channels().createMessage(args.channel, { files: [here.file("picture.png", "a picture")], embeds: [{ image: { url: "attachment://picture.png" } }] });
    return { id, url: embeds[0].image.url };
  },
  "attachment edit": async (args) => {
    const { id } = await send(args, { files: [here.file("a.txt", "a")] });
    await here.channels().editMessage(args.channel, id, { attachments: [], files: [here.file("b.txt", "b")] });
    return { id };
  },
  "message edit": async (args) => {
    const { id } = await send(args, { content: "hello" });
    return { id, content: (await here.channels().editMessage(args.channel, id, { content: "changed" })).content };
  },
  "suppress embeds": async (args) => {
    const { id } = await send(args, title);
    await here.channels().editMessage(args.channel, id, { flags: 4 });
    return { id };
  },
  "message delete": async (args) => {
    const { id } = await send(args, { content: "hello" });
    await here.channels().deleteMessage(args.channel, id);
    return { id };
  },
  "bulk delete": async (args) => ({ count: await here.channels().deleteMessages(args.channel, here.ids(await here.channels().getMessages(args.channel))) }),
  "message fetch": async (args) => {
    const { content, author } = await here.channels().getMessage(args.channel, args.message);
    return { content, author: author.id };
  },
  "message history": async (args) => {
    const last = await here.channels().getMessages(args.channel, { limit: 3 });
    const before = await here.channels().getMessages(args.channel, { limit: 2, before: last[2].id });
    return { contents: [...last, ...before].map((m) => m.content) };
  },
  "message search": async (args) => {
    const { totalResults, messages } = await here.guilds().searchMessages(args.guild, { content: "needle" });
    return { total: totalResults, content: messages.flat()[0].content };
  },
  crosspost: async (args) => {
    const { id } = await send(args, { content: "news" }, args.news);
    await here.channels().crosspostMessage(args.news, id);
    return { id };
  },
  "follow announcements": async (args) => void (await here.channels().followAnnouncement(args.news, args.channel)),
  pin: async (args) => void (await here.channels().pinMessage(args.channel, args.message)),
  unpin: async (args) => void (await here.channels().unpinMessage(args.channel, args.message)),
  "list pins": async (args) => {
    const pins = await here.channels().getPins(args.channel);
    return { ids: (pins.pins || pins.items || pins).map((pin) => pin.message.id) };
  },
  typing: async (args) => void (await here.channels().sendTyping(args.channel)),
  "components v2": (args) => {
    const section = { type: 9, components: [{ type: 10, content: "side" }], accessory: { type: 2, style: 1, label: "Press", customID: "press" } };
    return send(args, { flags: 32768, components: [{ type: 17, components: [{ type: 10, content: "hello" }, { type: 14 }, section] }] });
  },
  "rate limit": async (args) => {
    const sent = await Promise.all(Array.from({ length: 7 }, (_, i) => send(args, { content: `number ${i}` })));
    return { count: new Set(sent.map((m) => m.id)).size };
  },

  "reaction add": async (args) => void (await here.channels().createReaction(args.channel, args.message, "👍")),
  "custom emoji reaction": async (args) => void (await here.channels().createReaction(args.channel, args.message, `smile:${args.emoji}`)),
  "reaction remove": async (args) => {
    await here.channels().createReaction(args.channel, args.message, "👍");
    await here.channels().deleteReaction(args.channel, args.message, "👍");
  },
  "reaction of another": async (args) => void (await here.channels().deleteReaction(args.channel, args.message, "👍", args.person)),
  "reactions of an emoji": async (args) => void (await here.channels().deleteReactions(args.channel, args.message, "👍")),
  "reactions clear": async (args) => void (await here.channels().deleteReactions(args.channel, args.message)),
  "reaction list": async (args) => ({ ids: here.ids(await here.channels().getReactions(args.channel, args.message, "👍")) }),

  "poll create": (args) =>
    send(args, {
      poll: { question: { text: "Tea?" }, answers: [{ pollMedia: { text: "yes", emoji: { name: "🍵" } } }, { pollMedia: { text: "no" } }], duration: 2, allowMultiselect: false },
    }),
  "poll voters": async (args) => ({ ids: here.ids(await here.channels().getPollAnswerUsers(args.channel, args.message, 1)) }),
  "poll end": async (args) => void (await here.channels().expirePoll(args.channel, args.message)),
  "poll results": async (args) => {
    const { poll } = await here.channels().getMessage(args.channel, args.message);
    return { votes: poll.results.answerCounts.find((answer) => answer.id === 1).count };
  },
};
