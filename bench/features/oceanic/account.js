// Scheduled events, auto moderation, the account, direct messages, errors, and what is sold.
const here = require("./here.js");

const tomorrow = (hours = 0) => new Date(Date.now() + (24 + hours) * 3600_000).toISOString();
const party = async (args, more) => ({ id: (await here.guilds().createScheduledEvent(args.guild, { name: "party", privacyLevel: 2, scheduledStartTime: tomorrow(), ...more })).id });
const ofGuild = (args) => (what) => what.guildID === args.guild;
const apps = () => here.rest().applications;
const ping = { type: 1, name: "ping", description: "pong" };
const register = (args, more) => apps().createGuildCommand(args.app, args.guild, { ...ping, ...more });
const refusal = (promise) => promise.then(() => { throw new Error("was not refused"); }, ({ code, status, response }) => ({ code, status: status || response.status }));
const direct = async (args, ready) => (await here.event(ready, "messageCreate", (m) => m.author.id === args.person && !m.guildID))[0];

module.exports = {
  "event create": (args) => party(args, { entityType: 3, entityMetadata: { location: "park" }, scheduledEndTime: tomorrow(1) }),
  "event in voice": (args) => party(args, { entityType: 2, channelID: args.voice }),
  "event fetch": async (args) => ({ name: (await here.guilds().getScheduledEvent(args.guild, args.event)).name }),
  "event list": async (args) => ({ names: here.names(await here.guilds().getScheduledEvents(args.guild)) }),
  "event edit": async (args) => void (await here.guilds().editScheduledEvent(args.guild, args.event, { name: "ball" })),
  "event start": async (args) => void (await here.guilds().editScheduledEvent(args.guild, args.event, { status: 2 })),
  "event delete": async (args) => void (await here.guilds().deleteScheduledEvent(args.guild, args.event)),
  "event users": async (args) => ({ ids: here.ids((await here.guilds().getScheduledEventUsers(args.guild, args.event)).map((one) => one.user)) }),
  "event create event": async (args, ready) => ({ name: (await here.event(ready, "guildScheduledEventCreate", ofGuild(args)))[0].name }),
  "event update event": async (args, ready) => ({ name: (await here.event(ready, "guildScheduledEventUpdate", ofGuild(args)))[0].name }),
  "event delete event": async (args, ready) => ({ id: (await here.event(ready, "guildScheduledEventDelete", ofGuild(args)))[0].id }),
  "event user add event": async (args, ready) => ({ user: (await here.event(ready, "guildScheduledEventUserAdd", (event) => event.id === args.event))[1].id }),
  "event user remove event": async (args, ready) => ({ user: (await here.event(ready, "guildScheduledEventUserRemove", (event) => event.id === args.event))[1].id }),

  "rule create": async (args) => ({
    id: (await here.guilds().createAutoModerationRule(args.guild, {
      name: "manners", enabled: true, eventType: 1, triggerType: 1, triggerMetadata: { keywordFilter: ["darn"] }, actions: [{ type: 1, metadata: {} }],
    })).id,
  }),
  "rule fetch": async (args) => ({ name: (await here.guilds().getAutoModerationRule(args.guild, args.rule)).name }),
  "rule list": async (args) => ({ names: here.names(await here.guilds().getAutoModerationRules(args.guild)) }),
  "rule edit": async (args) => void (await here.guilds().editAutoModerationRule(args.guild, args.rule, { name: "tone", enabled: false })),
  "rule delete": async (args) => void (await here.guilds().deleteAutoModerationRule(args.guild, args.rule)),
  "rule create event": async (args, ready) => ({ name: (await here.event(ready, "autoModerationRuleCreate", ofGuild(args)))[0].name }),
  "rule update event": async (args, ready) => ({ name: (await here.event(ready, "autoModerationRuleUpdate", ofGuild(args)))[0].name }),
  "rule delete event": async (args, ready) => ({ id: (await here.event(ready, "autoModerationRuleDelete", ofGuild(args)))[0].id }),
  "rule acts": async (args, ready) => {
    const [, , user, { ruleID, matchedKeyword }] = await here.event(ready, "autoModerationActionExecution", (guild) => guild.id === args.guild);
    return { rule: ruleID, user: user.id, keyword: matchedKeyword };
  },

  "own user": async () => {
    const { id, bot } = await here.rest().oauth.getCurrentUser();
    return { id, is_bot: bot };
  },
  "own avatar": async (args) => ({ avatar: (await here.rest().users.editSelf({ avatar: args.picture })).avatar }),
  "own name": async () => ({ name: (await here.rest().users.editSelf({ username: "renamed" })).username }),
  "user fetch": async (args) => ({ name: (await here.rest().users.get(args.person)).username }),
  "user update event": async (args, ready) => ({ id: (await here.event(ready, "userUpdate", (user) => user.id === args.bot))[0].id }),
  "presence event": async (args, ready) => {
    const [, member, { status }] = await here.event(ready, "presenceUpdate", (guild, member) => member.id === args.person);
    return { user: member.id, status };
  },
  application: async () => {
    const { id, name, owner } = await apps().getCurrent();
    return { id, name, owner: owner && owner.id };
  },
  "application edit": async () => ({ description: (await apps().editCurrent({ description: "paints" })).description }),
  "gateway information": async () => ({ shards: (await here.rest().getBotGateway()).shards }),
  "role connections": async (args) => {
    const records = [{ key: "paintings", name: "Paintings", description: "painted", type: 2 }];
    await here.rest().oauth.updateRoleConnectionsMetadata(args.app, records);
    return { keys: (await here.rest().oauth.getRoleConnectionsMetadata(args.app)).map((record) => record.key) };
  },
  "guild command": async (args) => ({ id: (await register(args)).id }),
  "global command": async (args) => {
    const { id } = await apps().createGlobalCommand(args.app, { type: 1, name: "everywhere", description: "pong" });
    const names = here.names(await apps().getGlobalCommands(args.app));
    await apps().deleteGlobalCommand(args.app, id);
    return { names };
  },
  "commands at once": async (args) => {
    const choices = [{ name: "A", value: "a" }, { name: "B", value: "b" }];
    const one = { type: 1, name: "one", description: "one", options: [{ type: 3, name: "text", description: "text", required: true, choices }] };
    return { count: (await apps().bulkEditGuildCommands(args.app, args.guild, [one, { type: 1, name: "two", description: "two" }])).length };
  },
  "command edit": async (args) => ({ id: (await apps().editGuildCommand(args.app, args.guild, (await register(args)).id, { description: "changed" })).id }),
  "command delete": async (args) => void (await apps().deleteGuildCommand(args.app, args.guild, (await register(args)).id)),
  "command list": async (args) => {
    await register(args, { nameLocalizations: { de: "pong" }, descriptionLocalizations: { de: "los" } });
    const all = await apps().getGuildCommands(args.app, args.guild, { withLocalizations: true });
    return { names: here.names(all), german: all[0].nameLocalizations.de };
  },
  "command permissions": async (args) => ({ count: (await apps().getGuildPermissions(args.app, args.guild)).length }),

  "direct message": async (args) => {
    const channel = await here.channels().createDM(args.person);
    const { id } = await channel.createMessage({ content: "hello" });
    return { id, channel: channel.id };
  },
  "direct message event": async (args, ready) => {
    const message = await direct(args, ready);
    return { content: message.content, direct: message.inDirectMessageChannel() };
  },
  "direct message answer": async (args, ready) => {
    const { channelID, id: messageID } = await direct(args, ready);
    const { id } = await here.channels().createMessage(channelID, { content: "hello", messageReference: { messageID } });
    return { id, channel: channelID };
  },
  "direct message edit event": async (args, ready) => ({ content: (await here.event(ready, "messageUpdate", (m) => m.id === args.message))[0].content }),
  "direct message reaction event": async (args, ready) => ({ emoji: (await here.event(ready, "messageReactionAdd", (m) => m.id === args.message))[2].emoji.name }),
  "direct message refused": (args) => refusal(here.channels().createDM(args.person).then((channel) => channel.createMessage({ content: "hello" }))),

  "unknown message": (args) => refusal(here.channels().getMessage(args.channel, "1")),
  "missing access": (args) => refusal(here.channels().getMessages(args.channel)),
  "missing permissions": (args) => refusal(here.guilds().editMember(args.guild, args.owner, { nick: "Boss" })),
  "invalid form": (args) => refusal(here.channels().createMessage(args.channel, { embeds: [{ title: "x".repeat(300) }] })),
  "empty message": (args) => refusal(here.channels().createMessage(args.channel, { content: "" })),

  SKUs: async (args) => ({ count: (await apps().getSKUs(args.app)).length }),
  entitlements: async (args) => ({ count: (await apps().getEntitlements(args.app)).length }),
};
