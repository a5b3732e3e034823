// Channels, guilds and roles.
const here = require("./here.js");

const create = async (args, type, more) => {
  const { id, name } = await here.guilds().createChannel(args.guild, type, { name: "workshop", ...more });
  return { id, name };
};
const ofGuild = (args) => (what) => what.guildID === args.guild;
const view = "1024";

module.exports = {
  "text channel": (args) => create(args, 0, { topic: "tools", parentID: args.category }),
  "voice channel": (args) => create(args, 2, { userLimit: 5 }),
  "category channel": (args) => create(args, 4),
  "announcement channel": (args) => create(args, 5),
  "stage channel": (args) => create(args, 13),
  "forum channel": (args) => create(args, 15, { availableTags: [{ name: "help", moderated: false, emoji: null }] }),
  "private channel": (args) =>
    create(args, 0, { permissionOverwrites: [{ id: args.guild, type: 0, deny: view, allow: "0" }, ...[args.person, args.inspector].map((id) => ({ id, type: 1, allow: view, deny: "0" }))] }),
  "channel fetch": async (args) => ({ name: (await here.channels().get(args.channel)).name }),
  "channel list": async (args) => ({ count: (await here.guilds().getChannels(args.guild)).length }),
  "channel edit": async (args) => ({ name: (await here.channels().edit(args.channel, { name: "lobby", topic: "talk", rateLimitPerUser: 5 })).name }),
  "channel delete": async (args) => void (await here.channels().delete(args.channel)),
  overwrite: async (args) => void (await here.channels().editPermission(args.channel, args.role, { type: 0, deny: "2048", allow: "0" })),
  "overwrite delete": async (args) => void (await here.channels().deletePermission(args.channel, args.role)),
  "channel order": async (args) => void (await here.guilds().editChannelPositions(args.guild, [{ id: args.channel, position: 3 }])),
  "channel create event": async (args, ready) => ({ name: (await here.event(ready, "channelCreate", ofGuild(args)))[0].name }),
  "channel update event": async (args, ready) => ({ name: (await here.event(ready, "channelUpdate", ofGuild(args)))[0].name }),
  "channel delete event": async (args, ready) => ({ id: (await here.event(ready, "channelDelete", ofGuild(args)))[0].id }),

  "guild fetch": async (args) => {
    const { name, approximateMemberCount } = await here.guilds().get(args.guild, true);
    return { name, members: approximateMemberCount };
  },
  "guild list": async (args) => {
    let after;
    for (;;) {
      const page = await here.rest().oauth.getCurrentGuilds({ limit: 200, after });
      if (page.some((guild) => guild.id === args.guild)) return { found: true };
      if (page.length < 200) return { found: false };
      after = page[page.length - 1].id;
    }
  },
  "guild edit": async (args) => ({ name: (await here.guilds().edit(args.guild, { name: "hall", verificationLevel: 2 })).name }),
  "guild icon": async (args) => ({ icon: (await here.guilds().edit(args.guild, { icon: args.picture })).icon }),
  "guild preview": async (args) => ({ name: (await here.guilds().getPreview(args.guild)).name }),
  "guild update event": async (args, ready) => ({ name: (await here.event(ready, "guildUpdate", (guild) => guild.id === args.guild))[0].name }),
  widget: "expects the whole widget as the answer to a change of its settings",
  "welcome screen": async (args) => {
    await here.guilds().editWelcomeScreen(args.guild, { enabled: true, description: "hello", welcomeChannels: [] });
    return { description: (await here.guilds().getWelcomeScreen(args.guild)).description };
  },
  onboarding: async (args) => ({ enabled: (await here.guilds().getOnboarding(args.guild)).enabled }),
  template: async (args) => {
    await here.guilds().createTemplate(args.guild, { name: "plan" });
    return { name: (await here.guilds().getTemplates(args.guild))[0].name };
  },
  integrations: async (args) => ({ names: here.names(await here.guilds().getIntegrations(args.guild)).sort() }),
  prune: async (args) => ({ count: await here.guilds().getPruneCount(args.guild, { days: 7 }), pruned: await here.guilds().beginPrune(args.guild, { days: 7, computePruneCount: true }) }),
  "audit log": async (args) => {
    const [{ actionType, userID, targetID }] = (await here.guilds().getAuditLog(args.guild, { actionType: 30, limit: 1 })).entries;
    return { action: actionType, user: userID, target: targetID };
  },
  "audit log reason": async (args) => void (await here.guilds().editRole(args.guild, args.role, { name: "sculptors", reason: "art" })),
  "audit log event": async (args, ready) => {
    const [, { actionType, userID }] = await here.event(ready, "guildAuditLogEntryCreate", (guild) => guild.id === args.guild);
    return { action: actionType, user: userID };
  },
  leave: async (args) => void (await here.rest().users.leaveGuild(args.guild)),

  "role create": async (args) => ({ id: (await here.guilds().createRole(args.guild, { name: "blue", color: 0x0000ff, hoist: true, permissions: "2" })).id }),
  "role gradient": async (args) => ({ id: (await here.guilds().createRole(args.guild, { name: "blue", colors: { primaryColor: 0x0000ff } })).id }),
  "role edit": async (args) => void (await here.guilds().editRole(args.guild, args.role, { name: "sculptors", mentionable: true })),
  "role delete": async (args) => void (await here.guilds().deleteRole(args.guild, args.role)),
  "role order": async (args) => void (await here.guilds().editRolePositions(args.guild, [{ id: args.role, position: 2 }])),
  "role list": async (args) => ({ count: (await here.guilds().getRoles(args.guild)).length }),
  "role fetch": async (args) => ({ name: (await here.guilds().getRole(args.guild, args.role)).name }),
  "role create event": async (args, ready) => ({ name: (await here.event(ready, "guildRoleCreate", ofGuild(args)))[0].name }),
  "role update event": async (args, ready) => ({ name: (await here.event(ready, "guildRoleUpdate", ofGuild(args)))[0].name }),
  "role delete event": async (args, ready) => ({ id: (await here.event(ready, "guildRoleDelete", (role, guild) => guild.id === args.guild))[0].id }),
};
