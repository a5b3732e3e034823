// Events of messages, reactions and polls.
const here = require("./here.js");

const inChannel = (args) => (what) => (what.channelID || what.id) === args.channel;
const ofMessage = (args) => (what) => what.id === args.message;
const written = async (args, ready) => (await here.event(ready, "messageCreate", inChannel(args)))[0];

module.exports = {
  "message event": async (args, ready) => {
    const { content, author } = await written(args, ready);
    return { content, author: author.id };
  },
  "mention event": async (args, ready) => ({ mentions: here.ids((await written(args, ready)).mentions.users) }),
  "reply event": async (args, ready) => {
    const { id } = await here.channels().createMessage(args.channel, { content: "ask me" });
    const [{ content, messageReference }] = await here.event(ready, "messageCreate", (m) => m.channelID === args.channel && m.messageReference, { id });
    return { id: messageReference.messageID, content };
  },
  "message edit event": async (args, ready) => {
    const [{ id, content }] = await here.event(ready, "messageUpdate", inChannel(args));
    return { id, content };
  },
  "message delete event": async (args, ready) => ({ id: (await here.event(ready, "messageDelete", inChannel(args)))[0].id }),
  "bulk delete event": async (args, ready) => ({ count: (await here.event(ready, "messageDeleteBulk", (all) => all[0].channelID === args.channel))[0].length }),
  "pins event": async (args, ready) => ({ channel: (await here.event(ready, "channelPinsUpdate", (channel) => channel.id === args.channel))[0].id }),
  "typing event": async (args, ready) => ({ user: (await here.event(ready, "typingStart", (channel) => channel.id === args.channel))[1].id }),
  "attachment event": async (args, ready) => ({ name: [...(await written(args, ready)).attachments.values()][0].filename }),
  "webhook message event": async (args, ready) => {
    const { content, webhookID } = await written(args, ready);
    return { content, webhook: webhookID };
  },
  "crosspost event": async (args, ready) => {
    const [{ id, flags }] = await here.event(ready, "messageUpdate", (m) => m.channelID === args.news);
    return { id, flags };
  },

  "reaction add event": async (args, ready) => {
    const [, user, { emoji }] = await here.event(ready, "messageReactionAdd", ofMessage(args));
    return { emoji: emoji.name, user: user.id };
  },
  "reaction remove event": async (args, ready) => {
    const [, user, { emoji }] = await here.event(ready, "messageReactionRemove", ofMessage(args));
    return { emoji: emoji.name, user: user.id };
  },
  "reactions of an emoji event": async (args, ready) => ({ emoji: (await here.event(ready, "messageReactionRemoveEmoji", ofMessage(args)))[1].name }),
  "reactions clear event": async (args, ready) => ({ id: (await here.event(ready, "messageReactionRemoveAll", ofMessage(args)))[0].id }),

  "poll vote event": async (args, ready) => {
    const [, user, { answerID }] = await here.event(ready, "messagePollVoteAdd", ofMessage(args));
    return { user: user.id, answer: answerID };
  },
  "poll unvote event": async (args, ready) => {
    const [, user, { answerID }] = await here.event(ready, "messagePollVoteRemove", ofMessage(args));
    return { user: user.id, answer: answerID };
  },
};
