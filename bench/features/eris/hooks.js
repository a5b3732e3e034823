// Invites, webhooks, scheduled events and auto moderation.
const here = require("./here.js");

const ofGuild = (args) => (what) => (what.guild || what).id === args.guild;
const codes = (invites) => ({ codes: invites.map((invite) => invite.code) });
const execute = async (args, what) => ({ id: (await here.client().executeWebhook(args.webhook, args.token, { wait: true, ...what })).id });
const tomorrow = (hours = 0) => new Date(Date.now() + (24 + hours) * 3600_000);
const party = async (args, more) => ({ id: (await here.client().createGuildScheduledEvent(args.guild, { name: "party", privacyLevel: 2, scheduledStartTime: tomorrow(), ...more })).id });
const change = async (args, what) => void (await here.client().editGuildScheduledEvent(args.guild, args.event, what));
const ofRule = (args) => (guild) => guild.id === args.guild;

module.exports = {
  "invite create": async (args) => ({ code: (await here.client().createChannelInvite(args.channel, { maxAge: 3600, maxUses: 5, unique: true })).code }),
  "invite fetch": async (args) => {
    const { guild, memberCount } = await here.client().getInvite(args.code, true);
    return { guild: guild.id, members: memberCount };
  },
  "channel invites": async (args) => codes(await here.client().getChannelInvites(args.channel)),
  "guild invites": async (args) => codes(await here.client().getGuildInvites(args.guild)),
  "invite delete": async (args) => void (await here.client().deleteInvite(args.code)),
  "invite create event": async (args, ready) => ({ code: (await here.event(ready, "inviteCreate", ofGuild(args)))[1].code }),
  "invite delete event": async (args, ready) => ({ code: (await here.event(ready, "inviteDelete", ofGuild(args)))[1].code }),

  "webhook create": async (args) => ({ id: (await here.client().createChannelWebhook(args.channel, { name: "herald" })).id }),
  "channel webhooks": async (args) => ({ names: here.names(await here.client().getChannelWebhooks(args.channel)) }),
  "guild webhooks": async (args) => ({ names: here.names(await here.client().getGuildWebhooks(args.guild)) }),
  "webhook fetch": async (args) => ({ name: (await here.client().getWebhook(args.webhook, args.token)).name }),
  "webhook edit": async (args) => void (await here.client().editWebhook(args.webhook, { name: "crier" })),
  "webhook delete": async (args) => void (await here.client().deleteWebhook(args.webhook)),
  "webhook execute": (args) => execute(args, { content: "hear", username: "the crier", embeds: [{ title: "Title" }] }),
  "webhook file": (args) => execute(args, { file: here.file("notes.txt", "some notes") }),
  "webhook in a thread": (args) => execute(args, { content: "hear", threadID: args.thread }),
  "webhook message fetch": async (args) => ({ content: (await here.client().getWebhookMessage(args.webhook, args.token, args.message)).content }),
  "webhook message edit": async (args) => void (await here.client().editWebhookMessage(args.webhook, args.token, args.message, { content: "changed" })),
  "webhook message delete": async (args) => void (await here.client().deleteWebhookMessage(args.webhook, args.token, args.message)),
  "webhooks event": async (args, ready) => ({ channel: (await here.event(ready, "webhooksUpdate", (data) => data.channelID === args.channel))[0].channelID }),

  "event create": (args) => party(args, { entityType: 3, entityMetadata: { location: "park" }, scheduledEndTime: tomorrow(1) }),
  "event in voice": (args) => party(args, { entityType: 2, channelID: args.voice }),
  "event fetch": async (args) => ({ name: (await here.client().getRESTGuildScheduledEvent(args.guild, args.event)).name }),
  "event list": async (args) => ({ names: here.names(await here.client().getGuildScheduledEvents(args.guild)) }),
  "event edit": (args) => change(args, { name: "ball" }),
  "event start": (args) => change(args, { status: 2 }),
  "event delete": async (args) => void (await here.client().deleteGuildScheduledEvent(args.guild, args.event)),
  "event users": async (args) => ({ ids: here.ids((await here.client().getGuildScheduledEventUsers(args.guild, args.event, { withMember: true })).map((one) => one.user)) }),
  "event create event": async (args, ready) => ({ name: (await here.event(ready, "guildScheduledEventCreate", ofGuild(args)))[0].name }),
  "event update event": async (args, ready) => ({ name: (await here.event(ready, "guildScheduledEventUpdate", ofGuild(args)))[0].name }),
  "event delete event": async (args, ready) => ({ id: (await here.event(ready, "guildScheduledEventDelete", ofGuild(args)))[0].id }),
  "event user add event": async (args, ready) => ({ user: (await here.event(ready, "guildScheduledEventUserAdd", (event) => event.id === args.event))[1].id }),
  "event user remove event": async (args, ready) => ({ user: (await here.event(ready, "guildScheduledEventUserRemove", (event) => event.id === args.event))[1].id }),

  "rule create": async (args) => ({
    id: (await here.client().createAutoModerationRule(args.guild, { name: "manners", enabled: true, eventType: 1, triggerType: 1, triggerMetadata: { keyword_filter: ["darn"] }, actions: [{ type: 1 }] })).id,
  }),
  "rule fetch": async (args) => ({ name: (await here.client().getAutoModerationRule(args.guild, args.rule)).name }),
  "rule list": async (args) => ({ names: here.names(await here.client().getAutoModerationRules(args.guild)) }),
  "rule edit": async (args) => void (await here.client().editAutoModerationRule(args.guild, args.rule, { name: "tone", enabled: false })),
  "rule delete": async (args) => void (await here.client().deleteAutoModerationRule(args.guild, args.rule)),
  "rule create event": async (args, ready) => ({ name: (await here.event(ready, "autoModerationRuleCreate", ofRule(args)))[1].name }),
  "rule update event": async (args, ready) => ({ name: (await here.event(ready, "autoModerationRuleUpdate", ofRule(args)))[2].name }),
  "rule delete event": async (args, ready) => ({ id: (await here.event(ready, "autoModerationRuleDelete", ofRule(args)))[1].id }),
  "rule acts": async (args, ready) => {
    const [, action] = await here.event(ready, "autoModerationActionExecution", ofRule(args));
    return { rule: action.ruleID || action.rule_id, user: action.userID || action.user_id, keyword: action.matchedKeyword || action.matched_keyword };
  },
};
