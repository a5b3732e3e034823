// Threads, channels, guilds and roles.
const here = require("./here.js");

const ofThread = (args) => (thread) => thread.id === args.thread;
const inChannel = (args) => (thread) => thread.parentID === args.channel;
const ofGuild = (args) => (what) => (what.guild || what).id === args.guild;
const start = async (args, type) => ({ id: (await here.client().createThread(args.channel, { name: "talk", type })).id });
const post = async (args, more) => ({ id: (await here.client().createThread(args.forum, { name: "question", message: { content: "how?" }, ...more })).id });
const edit = async (args, change) => void (await here.client().editChannel(args.thread, change));
const archived = async (args, type) => ({ names: here.names((await here.client().getArchivedThreads(args.channel, type)).threads) });
const create = async (args, type, more) => {
  const { id, name } = await here.client().createChannel(args.guild, "workshop", type, more);
  return { id, name };
};
const view = 1024;

module.exports = {
  "thread of a message": async (args) => ({ id: (await here.client().createThreadWithMessage(args.channel, args.message, { name: "talk" })).id }),
  "thread create": (args) => start(args, 11),
  "private thread": (args) => start(args, 12),
  "forum post": (args) => post(args),
  "forum tags": (args) => post(args, { appliedTags: [args.tag] }),
  "thread message": async (args) => ({ id: (await here.client().createMessage(args.thread, "hello")).id }),
  "thread archive": (args) => edit(args, { archived: true }),
  "thread unarchive": (args) => edit(args, { archived: false }),
  "thread lock": (args) => edit(args, { locked: true }),
  "thread edit": (args) => edit(args, { name: "chat", rateLimitPerUser: 10 }),
  "thread delete": async (args) => void (await here.client().deleteChannel(args.thread)),
  "thread join": async (args) => void (await here.client().joinThread(args.thread)),
  "thread leave": async (args) => void (await here.client().leaveThread(args.thread)),
  "thread member add": async (args) => void (await here.client().joinThread(args.thread, args.person)),
  "thread member remove": async (args) => void (await here.client().leaveThread(args.thread, args.person)),
  "thread members": async (args) => ({ ids: here.ids(await here.client().getThreadMembers(args.thread)).sort() }),
  "active threads": async (args) => ({ names: here.names((await here.client().getActiveGuildThreads(args.guild)).threads) }),
  "archived threads": (args) => archived(args, "public"),
  "private archived threads": (args) => archived(args, "private"),
  "thread create event": async (args, ready) => ({ name: (await here.event(ready, "threadCreate", inChannel(args)))[0].name }),
  "thread update event": async (args, ready) => ({ archived: (await here.event(ready, "threadUpdate", inChannel(args)))[0].threadMetadata.archived }),
  "thread delete event": async (args, ready) => ({ id: (await here.event(ready, "threadDelete", ofThread(args)))[0].id }),
  "thread members event": async (args, ready) => ({ user: (await here.event(ready, "threadMembersUpdate", ofThread(args)))[1][0].id }),
  "person's thread": async (args, ready) => {
    const [{ name, ownerID }] = await here.event(ready, "threadCreate", inChannel(args));
    return { name, owner: ownerID };
  },

  "text channel": (args) => create(args, 0, { topic: "tools", parentID: args.category }),
  "voice channel": (args) => create(args, 2, { userLimit: 5 }),
  "category channel": (args) => create(args, 4),
  "announcement channel": (args) => create(args, 5),
  "stage channel": (args) => create(args, 13),
  "forum channel": (args) => create(args, 15, { availableTags: [{ name: "help", moderated: false }] }),
  "private channel": (args) =>
    create(args, 0, { permissionOverwrites: [{ id: args.guild, type: 0, deny: view, allow: 0 }, ...[args.person, args.inspector].map((id) => ({ id, type: 1, allow: view, deny: 0 }))] }),
  "channel fetch": async (args) => ({ name: (await here.client().getRESTChannel(args.channel)).name }),
  "channel list": async (args) => ({ count: (await here.client().getRESTGuildChannels(args.guild)).length }),
  "channel edit": async (args) => ({ name: (await here.client().editChannel(args.channel, { name: "lobby", topic: "talk", rateLimitPerUser: 5 })).name }),
  "channel delete": async (args) => void (await here.client().deleteChannel(args.channel)),
  overwrite: async (args) => void (await here.client().editChannelPermission(args.channel, args.role, 0, 2048, 0)),
  "overwrite delete": async (args) => void (await here.client().deleteChannelPermission(args.channel, args.role)),
  "channel order": async (args) => void (await here.client().editChannelPositions(args.guild, [{ id: args.channel, position: 3 }])),
  "channel create event": async (args, ready) => ({ name: (await here.event(ready, "channelCreate", ofGuild(args)))[0].name }),
  "channel update event": async (args, ready) => ({ name: (await here.event(ready, "channelUpdate", ofGuild(args)))[0].name }),
  "channel delete event": async (args, ready) => ({ id: (await here.event(ready, "channelDelete", ofGuild(args)))[0].id }),

  "guild fetch": async (args) => {
    const { name, approximateMemberCount } = await here.client().getRESTGuild(args.guild, true);
    return { name, members: approximateMemberCount };
  },
  "guild list": async (args) => {
    let after;
    for (;;) {
      const page = await here.client().getRESTGuilds({ limit: 200, after });
      if (page.some((guild) => guild.id === args.guild)) return { found: true };
      if (page.length < 200) return { found: false };
      after = page[page.length - 1].id;
    }
  },
  "guild edit": async (args) => ({ name: (await here.client().editGuild(args.guild, { name: "hall", verificationLevel: 2 })).name }),
  "guild icon": async (args) => ({ icon: (await here.client().editGuild(args.guild, { icon: args.picture })).icon }),
  "guild preview": async (args) => ({ name: (await here.client().getGuildPreview(args.guild)).name }),
  "guild update event": async (args, ready) => ({ name: (await here.event(ready, "guildUpdate", (guild) => guild.id === args.guild))[0].name }),
  widget: async (args) => {
    await here.client().editGuildWidget(args.guild, { enabled: true, channelID: args.channel });
    const { enabled, channel_id } = await here.client().getGuildWidgetSettings(args.guild);
    return { enabled, channel: channel_id };
  },
  "welcome screen": async (args) => {
    await here.client().editGuildWelcomeScreen(args.guild, { enabled: true, description: "hello", welcomeChannels: [] });
    return { description: (await here.client().getGuildWelcomeScreen(args.guild)).description };
  },
  onboarding: async (args) => ({ enabled: (await here.client().getGuildOnboarding(args.guild)).enabled }),
  template: async (args) => {
    await here.client().createGuildTemplate(args.guild, "plan");
    return { name: (await here.client().getGuildTemplates(args.guild))[0].name };
  },
  integrations: async (args) => ({ names: here.names(await here.client().getGuildIntegrations(args.guild)).sort() }),
  prune: async (args) => ({ count: await here.client().getPruneCount(args.guild, { days: 7 }), pruned: await here.client().pruneMembers(args.guild, { days: 7, computePruneCount: true }) }),
  "audit log": async (args) => {
    const [{ actionType, user, targetID }] = (await here.client().getGuildAuditLog(args.guild, { actionType: 30, limit: 1 })).entries;
    return { action: actionType, user: user.id, target: targetID };
  },
  "audit log reason": async (args) => void (await here.client().editRole(args.guild, args.role, { name: "sculptors" }, "art")),
  "audit log event": async (args, ready) => {
    const [{ actionType, user }] = await here.event(ready, "guildAuditLogEntryCreate", ofGuild(args));
    return { action: actionType, user: user.id };
  },
  leave: async (args) => void (await here.client().leaveGuild(args.guild)),

  "role create": async (args) => ({ id: (await here.client().createRole(args.guild, { name: "blue", color: 0x0000ff, hoist: true, permissions: 2 })).id }),
  "role gradient": "has no colours of roles but one",
  "role edit": async (args) => void (await here.client().editRole(args.guild, args.role, { name: "sculptors", mentionable: true })),
  "role delete": async (args) => void (await here.client().deleteRole(args.guild, args.role)),
  "role order": async (args) => void (await here.client().editRolePosition(args.guild, args.role, 2)),
  "role list": async (args) => ({ count: (await here.client().getRESTGuildRoles(args.guild)).length }),
  "role fetch": "fetches all roles only",
  "role create event": async (args, ready) => ({ name: (await here.event(ready, "guildRoleCreate", ofGuild(args)))[1].name }),
  "role update event": async (args, ready) => ({ name: (await here.event(ready, "guildRoleUpdate", ofGuild(args)))[1].name }),
  "role delete event": async (args, ready) => ({ id: (await here.event(ready, "guildRoleDelete", ofGuild(args)))[1].id }),
};
