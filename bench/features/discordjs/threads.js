// Threads.
const { ChannelType, Events } = require("discord.js");
const here = require("./here.js");

const inChannel = (args) => (thread) => thread.parentId === args.channel;

module.exports = {
  "thread of a message": async (args) => ({ id: (await (await here.message(args)).startThread({ name: "talk" })).id }),
  "thread create": async (args) => ({ id: (await here.channel(args).threads.create({ name: "talk", type: ChannelType.PublicThread })).id }),
  "private thread": async (args) => ({ id: (await here.channel(args).threads.create({ name: "talk", type: ChannelType.PrivateThread })).id }),
  "forum post": async (args) => ({ id: (await here.channel(args, "forum").threads.create({ name: "question", message: { content: "how?" } })).id }),
  "forum tags": async (args) =>
    ({ id: (await here.channel(args, "forum").threads.create({ name: "question", message: { content: "how?" }, appliedTags: [args.tag] })).id }),
  "thread message": async (args) => ({ id: (await (await here.thread(args)).send("hello")).id }),
  "thread archive": async (args) => void (await (await here.thread(args)).setArchived(true)),
  "thread unarchive": async (args) => void (await (await here.thread(args)).setArchived(false)),
  "thread lock": async (args) => void (await (await here.thread(args)).setLocked(true)),
  "thread edit": async (args) => void (await (await here.thread(args)).edit({ name: "chat", rateLimitPerUser: 10 })),
  "thread delete": async (args) => void (await (await here.thread(args)).delete()),
  "thread join": async (args) => void (await (await here.thread(args)).join()),
  "thread leave": async (args) => void (await (await here.thread(args)).leave()),
  "thread member add": async (args) => void (await (await here.thread(args)).members.add(args.person)),
  "thread member remove": async (args) => void (await (await here.thread(args)).members.remove(args.person)),
  "thread members": async (args) => ({ ids: here.ids(await (await here.thread(args)).members.fetch()).sort() }),
  "active threads": async (args) => ({ names: here.names((await here.guild(args).channels.fetchActiveThreads()).threads) }),
  "archived threads": async (args) => ({ names: here.names((await here.channel(args).threads.fetchArchived({ type: "public" })).threads) }),
  "private archived threads": async (args) => ({ names: here.names((await here.channel(args).threads.fetchArchived({ type: "private", fetchAll: true })).threads) }),
  "thread create event": async (args, ready) => ({ name: (await here.event(ready, Events.ThreadCreate, inChannel(args)))[0].name }),
  "thread update event": async (args, ready) => ({ archived: (await here.event(ready, Events.ThreadUpdate, inChannel(args)))[1].archived }),
  "thread delete event": async (args, ready) => ({ id: (await here.event(ready, Events.ThreadDelete, inChannel(args)))[0].id }),
  "thread members event": async (args, ready) => {
    const [added] = await here.event(ready, Events.ThreadMembersUpdate, (added, removed, thread) => thread.id === args.thread);
    return { user: added.firstKey() };
  },
  "person's thread": async (args, ready) => {
    const [{ name, ownerId }] = await here.event(ready, Events.ThreadCreate, inChannel(args));
    return { name, owner: ownerId };
  },
};
