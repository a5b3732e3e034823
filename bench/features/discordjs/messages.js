// Messages.
const { Events } = require("discord.js");
const { once } = require("../talk.js");
const here = require("./here.js");

module.exports = {
  "message create": async (args) => {
    const { id, content } = await here.channel(args).send("hello");
    return { id, content };
  },
  "message reply": async (args) => {
    const asked = await here.channel(args).messages.fetch(args.message);
    return { id: (await asked.reply("hello")).id };
  },
  "message edit": async (args) => {
    const { id, content } = await (await here.channel(args).send("hello")).edit("changed");
    return { id, content };
  },
  "message delete": async (args) => ({ id: (await (await here.channel(args).send("hello")).delete()).id }),
  "message fetch": async (args) => {
    const { content, author } = await here.channel(args).messages.fetch({ message: args.message, force: true });
    return { content, author: author.id };
  },
  "message event": async (args, ready) => {
    const event = once(here.client(), Events.MessageCreate, (m) => m.channelId === args.channel);
    ready();
    const [{ content, author }] = await event;
    return { content, author: author.id };
  },
  "message edit event": async (args, ready) => {
    const event = once(here.client(), Events.MessageUpdate, (before, m) => m.channelId === args.channel);
    ready();
    const [, { id, content }] = await event;
    return { id, content };
  },
  "message delete event": async (args, ready) => {
    const event = once(here.client(), Events.MessageDelete, (m) => m.channelId === args.channel);
    ready();
    return { id: (await event)[0].id };
  },
  "message history": async (args) => {
    const last = [...(await here.channel(args).messages.fetch({ limit: 3 })).values()];
    const before = await here.channel(args).messages.fetch({ limit: 2, before: last[2].id });
    return { contents: [...last, ...before.values()].map((m) => m.content) };
  },
};
