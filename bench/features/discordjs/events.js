// Events of messages, reactions and polls.
const { Events } = require("discord.js");
const here = require("./here.js");

const inChannel = (args) => (what) => what.channelId === args.channel;
const ofMessage = (args) => (what) => what.message.id === args.message;
const written = async (args, ready) => (await here.event(ready, Events.MessageCreate, inChannel(args)))[0];

module.exports = {
  "message event": async (args, ready) => {
    const { content, author } = await written(args, ready);
    return { content, author: author.id };
  },
  "mention event": async (args, ready) => ({ mentions: here.ids((await written(args, ready)).mentions.users) }),
  "reply event": async (args, ready) => {
    const { id } = await here.channel(args).send("ask me");
    const [{ content, reference }] = await here.event(ready, Events.MessageCreate, (m) => m.channelId === args.channel && m.reference, { id });
    return { id: reference.messageId, content };
  },
  "message edit event": async (args, ready) => {
    const [, { id, content }] = await here.event(ready, Events.MessageUpdate, (before, m) => m.channelId === args.channel);
    return { id, content };
  },
  "message delete event": async (args, ready) => ({ id: (await here.event(ready, Events.MessageDelete, inChannel(args)))[0].id }),
  "bulk delete event": async (args, ready) => ({ count: (await here.event(ready, Events.MessageBulkDelete, (gone, channel) => channel.id === args.channel))[0].size }),
  "pins event": async (args, ready) => ({ channel: (await here.event(ready, Events.ChannelPinsUpdate, (channel) => channel.id === args.channel))[0].id }),
  "typing event": async (args, ready) => ({ user: (await here.event(ready, Events.TypingStart, (typing) => typing.channel.id === args.channel))[0].user.id }),
  "attachment event": async (args, ready) => ({ name: (await written(args, ready)).attachments.first().name }),
  "webhook message event": async (args, ready) => {
    const { content, webhookId } = await written(args, ready);
    return { content, webhook: webhookId };
  },
  "crosspost event": async (args, ready) => {
    const [, { id, flags }] = await here.event(ready, Events.MessageUpdate, (before, m) => m.channelId === args.news);
    return { id, flags: flags.bitfield };
  },

  "reaction add event": async (args, ready) => {
    const [{ emoji }, user] = await here.event(ready, Events.MessageReactionAdd, ofMessage(args));
    return { emoji: emoji.name, user: user.id };
  },
  "reaction remove event": async (args, ready) => {
    const [{ emoji }, user] = await here.event(ready, Events.MessageReactionRemove, ofMessage(args));
    return { emoji: emoji.name, user: user.id };
  },
  "reactions of an emoji event": async (args, ready) => ({ emoji: (await here.event(ready, Events.MessageReactionRemoveEmoji, ofMessage(args)))[0].emoji.name }),
  "reactions clear event": async (args, ready) => ({ id: (await here.event(ready, Events.MessageReactionRemoveAll, (m) => m.id === args.message))[0].id }),

  "poll vote event": async (args, ready) => {
    const [answer, user] = await here.event(ready, Events.MessagePollVoteAdd, (a) => a.poll.messageId === args.message);
    return { user, answer: answer.id };
  },
  "poll unvote event": async (args, ready) => {
    const [answer, user] = await here.event(ready, Events.MessagePollVoteRemove, (a) => a.poll.messageId === args.message);
    return { user, answer: answer.id };
  },
};
