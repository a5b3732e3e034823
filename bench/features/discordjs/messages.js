// Messages, reactions and polls that the client sends.
const {
  AttachmentBuilder, ButtonBuilder, ButtonStyle, ContainerBuilder, EmbedBuilder, MessageFlags, SectionBuilder, SeparatorBuilder, TextDisplayBuilder,
} = require("discord.js");
const here = require("./here.js");

const notes = () => new AttachmentBuilder(Buffer.from("some notes"), { name: "notes.txt", description: "my notes" });
const send = async (args, what, name) => {
  const { id } = await here.channel(args, name).send(what);
  return { id };
};

module.exports = {
  "message create": async (args) => {
    const { id, content } = await here.channel(args).send("hello");
    return { id, content };
  },
  "message reply": async (args) => ({ id: (await (await here.message(args)).reply("hello")).id }),
  "message reply without a ping": async (args) =>
    ({ id: (await (await here.message(args)).reply({ content: "hello", allowedMentions: { repliedUser: false } })).id }),
  "message forward": async (args) => ({ id: (await (await here.message(args)).forward(here.channel(args, "news"))).id }),
  "message with a nonce": async (args) => {
    const once = () => here.channel(args).send({ content: "hello", nonce: "7", enforceNonce: true });
    return { id: (await once()).id, again: (await once()).id };
  },
  "silent message": (args) => send(args, { content: "hello", flags: MessageFlags.SuppressNotifications }),
  "allowed mentions": (args) => send(args, { content: `<@${args.person}> <@${args.other}>`, allowedMentions: { users: [args.person] } }),
  "role mention": (args) => send(args, { content: `<@&${args.role}>`, allowedMentions: { roles: [args.role] } }),
  embed: async (args) => {
    const embed = new EmbedBuilder().setTitle("Title").setDescription("text").setColor(0x112233).addFields({ name: "a", value: "b", inline: true })
      .setFooter({ text: "foot" }).setAuthor({ name: "me" });
    const { id, embeds } = await here.channel(args).send({ embeds: [embed] });
    return { id, title: embeds[0].title };
  },
  "attachment upload": async (args) => {
    const { id, attachments } = await here.channel(args).send({ files: [notes()] });
    const { name, size } = attachments.first();
    return { id, name, size };
  },
  "attachment download": async (args) => {
    const response = await fetch((await here.message(args)).attachments.first().url);
    return { text: await response.text() };
  },
  "attachment in an embed": async (args) => {
    const files = [new AttachmentBuilder(Buffer.from("a picture"), { name: "picture.png" })];
    const { id, embeds } = await here.channel(args).send({ files, embeds: [new EmbedBuilder().setImage("attachment://picture.png")] });
    return { id, url: embeds[0].image.url };
  },
  "attachment edit": async (args) => {
    const message = await here.channel(args).send({ files: [new AttachmentBuilder(Buffer.from("a"), { name: "a.txt" })] });
    await message.edit({ attachments: [], files: [new AttachmentBuilder(Buffer.from("b"), { name: "b.txt" })] });
    return { id: message.id };
  },
  "message edit": async (args) => {
    const { id, content } = await (await here.channel(args).send("hello")).edit("changed");
    return { id, content };
  },
  "suppress embeds": async (args) => {
    const message = await here.channel(args).send({ embeds: [new EmbedBuilder().setTitle("Title")] });
    await message.suppressEmbeds();
    return { id: message.id };
  },
  "message delete": async (args) => ({ id: (await (await here.channel(args).send("hello")).delete()).id }),
  "bulk delete": async (args) => ({ count: (await here.channel(args).bulkDelete(await here.channel(args).messages.fetch())).size }),
  "message fetch": async (args) => {
    const { content, author } = await here.channel(args).messages.fetch({ message: args.message, force: true });
    return { content, author: author.id };
  },
  "message history": async (args) => {
    const last = [...(await here.channel(args).messages.fetch({ limit: 3 })).values()];
    const before = await here.channel(args).messages.fetch({ limit: 2, before: last[2].id });
    return { contents: [...last, ...before.values()].map((m) => m.content) };
  },
  "message search": "has no search of messages",
  crosspost: async (args) => ({ id: (await (await here.channel(args, "news").send("news")).crosspost()).id }),
  "follow announcements": async (args) => {
    await here.channel(args, "news").addFollower(args.channel);
  },
  pin: async (args) => void (await (await here.message(args)).pin()),
  unpin: async (args) => void (await (await here.message(args)).unpin()),
  "list pins": async (args) => {
    const { items } = await here.channel(args).messages.fetchPins();
    return { ids: items.map((item) => item.message.id) };
  },
  typing: async (args) => void (await here.channel(args).sendTyping()),
  "components v2": (args) => {
    const button = new ButtonBuilder().setCustomId("press").setLabel("Press").setStyle(ButtonStyle.Primary);
    const container = new ContainerBuilder().addTextDisplayComponents(new TextDisplayBuilder().setContent("hello")).addSeparatorComponents(new SeparatorBuilder())
      .addSectionComponents(new SectionBuilder().addTextDisplayComponents(new TextDisplayBuilder().setContent("side")).setButtonAccessory(button));
    return send(args, { components: [container], flags: MessageFlags.IsComponentsV2 });
  },
  "rate limit": async (args) => {
    const sent = await Promise.all(Array.from({ length: 7 }, (_, i) => here.channel(args).send(`number ${i}`)));
    return { count: new Set(sent.map((m) => m.id)).size };
  },

  "reaction add": async (args) => void (await (await here.message(args)).react("👍")),
  "custom emoji reaction": async (args) => void (await (await here.message(args)).react(`smile:${args.emoji}`)),
  "reaction remove": async (args) => void (await (await (await here.message(args)).react("👍")).users.remove()),
  "reaction of another": async (args) => void (await (await here.message(args)).reactions.resolve("👍").users.remove(args.person)),
  "reactions of an emoji": async (args) => void (await (await here.message(args)).reactions.resolve("👍").remove()),
  "reactions clear": async (args) => void (await (await here.message(args)).reactions.removeAll()),
  "reaction list": async (args) => ({ ids: here.ids(await (await here.message(args)).reactions.resolve("👍").users.fetch()) }),

  "poll create": (args) => send(args, { poll: { question: { text: "Tea?" }, answers: [{ text: "yes", emoji: "🍵" }, { text: "no" }], duration: 2 } }),
  "poll voters": async (args) => ({ ids: here.ids(await (await here.message(args)).poll.answers.get(1).voters.fetch()) }),
  "poll end": async (args) => void (await (await here.message(args)).poll.end()),
  "poll results": async (args) => ({ votes: (await here.channel(args).messages.fetch({ message: args.message, force: true })).poll.answers.get(1).voteCount }),
};
