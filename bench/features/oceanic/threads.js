// Threads.
const here = require("./here.js");

const inChannel = (args) => (thread) => thread.parentID === args.channel;
const ofThread = (args) => (thread) => thread.id === args.thread;
const start = async (args, more) => ({ id: (await here.channels().startThreadWithoutMessage(args.channel, { name: "talk", ...more })).id });
const post = async (args, more) => ({ id: (await here.channels().startThreadInThreadOnlyChannel(args.forum, { name: "question", message: { content: "how?" }, ...more })).id });
const edit = async (args, change) => void (await here.channels().edit(args.thread, change));

module.exports = {
  "thread of a message": async (args) => ({ id: (await here.channels().startThreadFromMessage(args.channel, args.message, { name: "talk" })).id }),
  "thread create": (args) => start(args, { type: 11 }),
  "private thread": (args) => start(args, { type: 12 }),
  "forum post": (args) => post(args),
  "forum tags": (args) => post(args, { appliedTags: [args.tag] }),
  "thread message": async (args) => ({ id: (await here.channels().createMessage(args.thread, { content: "hello" })).id }),
  "thread archive": (args) => edit(args, { archived: true }),
  "thread unarchive": (args) => edit(args, { archived: false }),
  "thread lock": (args) => edit(args, { locked: true }),
  "thread edit": (args) => edit(args, { name: "chat", rateLimitPerUser: 10 }),
  "thread delete": async (args) => void (await here.channels().delete(args.thread)),
  "thread join": async (args) => void (await here.channels().joinThread(args.thread)),
  "thread leave": async (args) => void (await here.channels().leaveThread(args.thread)),
  "thread member add": async (args) => void (await here.channels().addThreadMember(args.thread, args.person)),
  "thread member remove": async (args) => void (await here.channels().removeThreadMember(args.thread, args.person)),
  "thread members": async (args) => ({ ids: (await here.channels().getThreadMembers(args.thread)).map((member) => member.userID).sort() }),
  "active threads": async (args) => ({ names: here.names((await here.guilds().getActiveThreads(args.guild)).threads) }),
  "archived threads": async (args) => ({ names: here.names((await here.channels().getPublicArchivedThreads(args.channel)).threads) }),
  "private archived threads": async (args) => ({ names: here.names((await here.channels().getPrivateArchivedThreads(args.channel)).threads) }),
  "thread create event": async (args, ready) => ({ name: (await here.event(ready, "threadCreate", inChannel(args)))[0].name }),
  "thread update event": async (args, ready) => ({ archived: (await here.event(ready, "threadUpdate", inChannel(args)))[0].threadMetadata.archived }),
  "thread delete event": async (args, ready) => ({ id: (await here.event(ready, "threadDelete", ofThread(args)))[0].id }),
  "thread members event": async (args, ready) => ({ user: (await here.event(ready, "threadMembersUpdate", ofThread(args)))[1][0].userID }),
  "person's thread": async (args, ready) => {
    const [{ name, ownerID }] = await here.event(ready, "threadCreate", inChannel(args));
    return { name, owner: ownerID };
  },
};
