// Guilds and their roles.
const { AuditLogEvent, Events, PermissionFlagsBits } = require("discord.js");
const here = require("./here.js");

const ofGuild = (args) => (what) => what.guild.id === args.guild;
const roles = (args) => here.guild(args).roles;

module.exports = {
  "guild fetch": async (args) => {
    const { name, approximateMemberCount } = await here.client().guilds.fetch({ guild: args.guild, force: true, withCounts: true });
    return { name, members: approximateMemberCount };
  },
  "guild list": async (args) => {
    let after = "0", found = false;
    for (;;) {
      const page = await here.client().guilds.fetch({ limit: 200, after });
      found = found || page.has(args.guild);
      if (page.size < 200) return { found };
      after = page.lastKey();
    }
  },
  "guild edit": async (args) => ({ name: (await here.guild(args).edit({ name: "hall", verificationLevel: 2 })).name }),
  "guild icon": async (args) => ({ icon: (await here.guild(args).setIcon(args.picture)).icon }),
  "guild preview": async (args) => ({ name: (await here.client().fetchGuildPreview(args.guild)).name }),
  "guild update event": async (args, ready) => ({ name: (await here.event(ready, Events.GuildUpdate, (before, g) => g.id === args.guild))[1].name }),
  widget: async (args) => {
    await here.guild(args).setWidgetSettings({ enabled: true, channel: args.channel });
    const { enabled, channel } = await here.guild(args).fetchWidgetSettings();
    return { enabled, channel: channel.id };
  },
  "welcome screen": async (args) => {
    await here.guild(args).editWelcomeScreen({ enabled: true, description: "hello" });
    return { description: (await here.guild(args).fetchWelcomeScreen()).description };
  },
  onboarding: async (args) => ({ enabled: (await here.guild(args).fetchOnboarding()).enabled }),
  template: async (args) => {
    await here.guild(args).createTemplate("plan");
    return { name: (await here.guild(args).fetchTemplates()).first().name };
  },
  integrations: async (args) => ({ names: here.names(await here.guild(args).fetchIntegrations()).sort() }),
  prune: async (args) => ({ count: await here.guild(args).members.prune({ days: 7, dry: true }), pruned: await here.guild(args).members.prune({ days: 7 }) }),
  "audit log": async (args) => {
    const entry = (await here.guild(args).fetchAuditLogs({ type: AuditLogEvent.RoleCreate, limit: 1 })).entries.first();
    return { action: entry.action, user: entry.executorId, target: entry.targetId };
  },
  "audit log reason": async (args) => void (await roles(args).edit(args.role, { name: "sculptors", reason: "art" })),
  "audit log event": async (args, ready) => {
    const [entry] = await here.event(ready, Events.GuildAuditLogEntryCreate, (entry, guild) => guild.id === args.guild);
    return { action: entry.action, user: entry.executorId };
  },
  leave: async (args) => void (await here.guild(args).leave()),

  "role create": async (args) => ({ id: (await roles(args).create({ name: "blue", color: 0x0000ff, hoist: true, permissions: [PermissionFlagsBits.KickMembers] })).id }),
  "role gradient": async (args) => ({ id: (await roles(args).create({ name: "blue", colors: { primaryColor: 0x0000ff } })).id }),
  "role edit": async (args) => void (await roles(args).edit(args.role, { name: "sculptors", mentionable: true })),
  "role delete": async (args) => void (await roles(args).delete(args.role)),
  "role order": async (args) => void (await roles(args).setPositions([{ role: args.role, position: 2 }])),
  "role list": async (args) => ({ count: (await roles(args).fetch()).size }),
  "role fetch": async (args) => ({ name: (await roles(args).fetch(args.role, { force: true })).name }),
  "role create event": async (args, ready) => ({ name: (await here.event(ready, Events.GuildRoleCreate, ofGuild(args)))[0].name }),
  "role update event": async (args, ready) => ({ name: (await here.event(ready, Events.GuildRoleUpdate, (before, role) => role.id === args.role))[1].name }),
  "role delete event": async (args, ready) => ({ id: (await here.event(ready, Events.GuildRoleDelete, ofGuild(args)))[0].id }),
};
