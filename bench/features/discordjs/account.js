// Scheduled events, auto moderation, the account, direct messages, errors, and what is sold.
const {
  AutoModerationActionType, AutoModerationRuleEventType, AutoModerationRuleTriggerType, Events, GuildScheduledEventEntityType, GuildScheduledEventPrivacyLevel, GuildScheduledEventStatus,
} = require("discord.js");
const here = require("./here.js");

const tomorrow = (hours = 0) => new Date(Date.now() + (24 + hours) * 3600_000);
const party = (more) => ({ name: "party", privacyLevel: GuildScheduledEventPrivacyLevel.GuildOnly, scheduledStartTime: tomorrow(), ...more });
const events = (args) => here.guild(args).scheduledEvents;
const ofGuild = (args) => (what) => what.guildId === args.guild;
const rules = (args) => here.guild(args).autoModerationRules;
const ruleOf = (args) => (what) => what.guild.id === args.guild;
const commands = (args) => here.guild(args).commands;
const ping = { name: "ping", description: "pong" };
const refusal = (promise) => promise.then(() => { throw new Error("was not refused"); }, ({ code, status }) => ({ code, status }));
const direct = async (args, ready) => (await here.event(ready, Events.MessageCreate, (m) => m.author.id === args.person && !m.guildId))[0];

module.exports = {
  "event create": async (args) => ({
    id: (await events(args).create(party({ entityType: GuildScheduledEventEntityType.External, entityMetadata: { location: "park" }, scheduledEndTime: tomorrow(1) }))).id,
  }),
  "event in voice": async (args) => ({ id: (await events(args).create(party({ entityType: GuildScheduledEventEntityType.Voice, channel: args.voice }))).id }),
  "event fetch": async (args) => ({ name: (await events(args).fetch({ guildScheduledEvent: args.event, force: true })).name }),
  "event list": async (args) => ({ names: here.names(await events(args).fetch()) }),
  "event edit": async (args) => void (await events(args).edit(args.event, { name: "ball" })),
  "event start": async (args) => void (await events(args).edit(args.event, { status: GuildScheduledEventStatus.Active })),
  "event delete": async (args) => void (await events(args).delete(args.event)),
  "event users": async (args) => ({ ids: here.ids(await events(args).fetchSubscribers(args.event)) }),
  "event create event": async (args, ready) => ({ name: (await here.event(ready, Events.GuildScheduledEventCreate, ofGuild(args)))[0].name }),
  "event update event": async (args, ready) => ({ name: (await here.event(ready, Events.GuildScheduledEventUpdate, (before, event) => event.guildId === args.guild))[1].name }),
  "event delete event": async (args, ready) => ({ id: (await here.event(ready, Events.GuildScheduledEventDelete, ofGuild(args)))[0].id }),
  "event user add event": async (args, ready) => ({ user: (await here.event(ready, Events.GuildScheduledEventUserAdd, ofGuild(args)))[1].id }),
  "event user remove event": async (args, ready) => ({ user: (await here.event(ready, Events.GuildScheduledEventUserRemove, ofGuild(args)))[1].id }),

  "rule create": async (args) => ({
    id: (await rules(args).create({
      name: "manners", enabled: true, eventType: AutoModerationRuleEventType.MessageSend, triggerType: AutoModerationRuleTriggerType.Keyword,
      triggerMetadata: { keywordFilter: ["darn"] }, actions: [{ type: AutoModerationActionType.BlockMessage }],
    })).id,
  }),
  "rule fetch": async (args) => ({ name: (await rules(args).fetch({ autoModerationRule: args.rule, force: true })).name }),
  "rule list": async (args) => ({ names: here.names(await rules(args).fetch()) }),
  "rule edit": async (args) => void (await rules(args).edit(args.rule, { name: "tone", enabled: false })),
  "rule delete": async (args) => void (await rules(args).delete(args.rule)),
  "rule create event": async (args, ready) => ({ name: (await here.event(ready, Events.AutoModerationRuleCreate, ruleOf(args)))[0].name }),
  "rule update event": async (args, ready) => ({ name: (await here.event(ready, Events.AutoModerationRuleUpdate, (before, rule) => rule.guild.id === args.guild))[1].name }),
  "rule delete event": async (args, ready) => ({ id: (await here.event(ready, Events.AutoModerationRuleDelete, ruleOf(args)))[0].id }),
  "rule acts": async (args, ready) => {
    const [{ ruleId, userId, matchedKeyword }] = await here.event(ready, Events.AutoModerationActionExecution, ruleOf(args));
    return { rule: ruleId, user: userId, keyword: matchedKeyword };
  },

  "own user": async () => {
    const { id, bot } = await here.client().user.fetch(true);
    return { id, is_bot: bot };
  },
  "own avatar": async (args) => ({ avatar: (await here.client().user.setAvatar(args.picture)).avatar }),
  "own name": async () => ({ name: (await here.client().user.setUsername("renamed")).username }),
  "user fetch": async (args) => ({ name: (await here.client().users.fetch(args.person, { force: true })).username }),
  "user update event": async (args, ready) => ({ id: (await here.event(ready, Events.UserUpdate, (before, user) => user.id === args.bot))[1].id }),
  "presence event": async (args, ready) => {
    const [, { userId, status }] = await here.event(ready, Events.PresenceUpdate, (before, presence) => presence.userId === args.person);
    return { user: userId, status };
  },
  application: async () => {
    const { id, name, owner } = await here.client().application.fetch();
    return { id, name, owner: owner.id };
  },
  "application edit": async () => ({ description: (await here.client().application.edit({ description: "paints" })).description }),
  "gateway information": async () => ({ shards: (await here.client().ws._ws.fetchGatewayInformation(true)).shards }),
  "role connections": async () => {
    const { application } = here.client();
    await application.editRoleConnectionMetadataRecords([{ key: "paintings", name: "Paintings", description: "painted", type: 2 }]);
    return { keys: (await application.fetchRoleConnectionMetadataRecords()).map((record) => record.key) };
  },
  "guild command": async (args) => ({ id: (await commands(args).create(ping)).id }),
  "global command": async () => {
    const { commands } = here.client().application;
    const command = await commands.create({ name: "everywhere", description: "pong" });
    const names = here.names(await commands.fetch());
    await command.delete();
    return { names };
  },
  "commands at once": async (args) => {
    const choices = [{ name: "A", value: "a" }, { name: "B", value: "b" }];
    const one = { name: "one", description: "one", options: [{ type: 3, name: "text", description: "text", required: true, choices }] };
    return { count: (await commands(args).set([one, { name: "two", description: "two" }])).size };
  },
  "command edit": async (args) => ({ id: (await (await commands(args).create(ping)).edit({ description: "changed" })).id }),
  "command delete": async (args) => void (await (await commands(args).create(ping)).delete()),
  "command list": async (args) => {
    await commands(args).create({ ...ping, nameLocalizations: { de: "pong" }, descriptionLocalizations: { de: "los" } });
    const all = await commands(args).fetch({ withLocalizations: true });
    return { names: here.names(all), german: all.first().nameLocalizations.de };
  },
  "command permissions": async (args) => ({ count: (await commands(args).permissions.fetch()).size }),

  "direct message": async (args) => {
    const { id, channelId } = await (await here.client().users.fetch(args.person)).send("hello");
    return { id, channel: channelId };
  },
  "direct message event": async (args, ready) => {
    const message = await direct(args, ready);
    return { content: message.content, direct: message.channel.isDMBased() };
  },
  "direct message answer": async (args, ready) => {
    const { id, channelId } = await (await direct(args, ready)).reply("hello");
    return { id, channel: channelId };
  },
  "direct message edit event": async (args, ready) => ({ content: (await here.event(ready, Events.MessageUpdate, (before, m) => m.id === args.message))[1].content }),
  "direct message reaction event": async (args, ready) => ({ emoji: (await here.event(ready, Events.MessageReactionAdd, (r) => r.message.id === args.message))[0].emoji.name }),
  "direct message refused": (args) => refusal(here.client().users.send(args.person, "hello")),

  "unknown message": (args) => refusal(here.channel(args).messages.fetch("1")),
  "missing access": (args) => refusal(here.client().rest.get(`/channels/${args.channel}/messages`)),
  "missing permissions": async (args) => refusal((await here.guild(args).members.fetch(args.owner)).setNickname("Boss")),
  "invalid form": (args) => refusal(here.channel(args).send({ embeds: [{ title: "x".repeat(300) }] })),
  "empty message": (args) => refusal(here.channel(args).send({ content: "" })),

  SKUs: async () => ({ count: (await here.client().application.fetchSKUs()).size }),
  entitlements: async () => ({ count: (await here.client().application.entitlements.fetch()).size }),
};
