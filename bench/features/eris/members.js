// Members, the account, and direct messages.
const here = require("./here.js");

const edit = (args, change) => here.client().editGuildMember(args.guild, args.person, change);
const ofGuild = (args) => (what) => (what.guild || what).id === args.guild;
const refusal = (promise) =>
  promise.then(
    () => {
      throw new Error("was not refused");
    },
    (error) => ({ code: error.code, status: error.status || (error.res && error.res.statusCode) }),
  );
const ping = { type: 1, name: "ping", description: "pong" };
const register = (args, more) => here.client().createGuildCommand(args.guild, { ...ping, ...more });
const direct = async (args, ready) => (await here.event(ready, "messageCreate", (m) => m.author.id === args.person && !m.guildID))[0];

module.exports = {
  "member fetch": async (args) => {
    const { username, joinedAt } = await here.client().getRESTGuildMember(args.guild, args.person);
    return { name: username, joined: joinedAt > 0 };
  },
  "member list": async (args) => ({ count: (await here.client().getRESTGuildMembers(args.guild, { limit: 100 })).length }),
  "member search": async (args) => ({ ids: here.ids(await here.client().searchGuildMembers(args.guild, "person", 10)) }),
  nickname: async (args) => void (await edit(args, { nick: "Pat" })),
  "role give": async (args) => void (await here.client().addGuildMemberRole(args.guild, args.person, args.role)),
  "role take": async (args) => void (await here.client().removeGuildMemberRole(args.guild, args.person, args.role)),
  "roles set": async (args) => void (await edit(args, { roles: [args.role] })),
  timeout: async (args) => ({ until: Math.floor((await edit(args, { communicationDisabledUntil: new Date(Date.now() + 3600_000) })).communicationDisabledUntil / 1000) }),
  "timeout end": async (args) => void (await edit(args, { communicationDisabledUntil: null })),
  kick: async (args) => void (await here.client().kickGuildMember(args.guild, args.person, "spam")),
  ban: async (args) => void (await here.client().banGuildMember(args.guild, args.person, { deleteMessageSeconds: 3600, reason: "spam" })),
  unban: async (args) => void (await here.client().unbanGuildMember(args.guild, args.person)),
  "bulk ban": async (args) => {
    const answer = await here.client().bulkBanGuildMembers(args.guild, { userIDs: [args.person, args.other] });
    return { banned: answer.bannedUsers || answer.banned_users };
  },
  "ban list": async (args) => ({ ids: here.ids((await here.client().getGuildBans(args.guild)).map((ban) => ban.user)) }),
  "ban fetch": async (args) => ({ id: (await here.client().getGuildBan(args.guild, args.person)).user.id }),
  "own nickname": async (args) => void (await here.client().editGuildMember(args.guild, "@me", { nick: "Robo" })),
  "own guild profile": "has no profile of its own in a guild but the nickname",
  "member join event": async (args, ready) => ({ name: (await here.event(ready, "guildMemberAdd", ofGuild(args)))[1].username }),
  "member leave event": async (args, ready) => ({ id: (await here.event(ready, "guildMemberRemove", ofGuild(args)))[1].id }),
  "member update event": async (args, ready) => {
    const [, { id, nick }] = await here.event(ready, "guildMemberUpdate", ofGuild(args));
    return { id, nick };
  },
  "ban event": async (args, ready) => ({ id: (await here.event(ready, "guildBanAdd", ofGuild(args)))[1].id }),
  "unban event": async (args, ready) => ({ id: (await here.event(ready, "guildBanRemove", ofGuild(args)))[1].id }),
  "permissions of a member": async (args) => ({ permissions: here.client().getChannel(args.channel).permissionsOf(args.person).allow.toString() }),
  "permissions while timed out": "does not count timeouts",

  "own user": async () => {
    const { id, bot } = await here.client().getSelf();
    return { id, is_bot: bot };
  },
  "own avatar": async (args) => ({ avatar: (await here.client().editSelf({ avatar: args.picture })).avatar }),
  "own name": async () => ({ name: (await here.client().editSelf({ username: "renamed" })).username }),
  "user fetch": async (args) => ({ name: (await here.client().getRESTUser(args.person)).username }),
  "user update event": async (args, ready) => ({ id: (await here.event(ready, "userUpdate", (user) => user.id === args.bot))[0].id }),
  "presence event": async (args, ready) => {
    const [{ id, status }] = await here.event(ready, "presenceUpdate", (member) => member.id === args.person);
    return { user: id, status };
  },
  application: async () => {
    const { id, name, owner } = await here.client().getOAuthApplication();
    return { id, name, owner: owner.id };
  },
  "application edit": "does not edit its application",
  "gateway information": async () => ({ shards: (await here.client().getBotGateway()).shards }),
  "role connections": async () => {
    await here.client().editRoleConnectionMetadataRecords([{ key: "paintings", name: "Paintings", description: "painted", type: 2 }]);
    return { keys: (await here.client().getRoleConnectionMetadataRecords()).map((record) => record.key) };
  },
  "guild command": async (args) => ({ id: (await register(args)).id }),
  "global command": async () => {
    const { id } = await here.client().createCommand({ ...ping, name: "everywhere" });
    const names = here.names(await here.client().getCommands());
    await here.client().deleteCommand(id);
    return { names };
  },
  "commands at once": async (args) => {
    const choices = [{ name: "A", value: "a" }, { name: "B", value: "b" }];
    const one = { type: 1, name: "one", description: "one", options: [{ type: 3, name: "text", description: "text", required: true, choices }] };
    return { count: (await here.client().bulkEditGuildCommands(args.guild, [one, { type: 1, name: "two", description: "two" }])).length };
  },
  "command edit": async (args) => ({ id: (await here.client().editGuildCommand(args.guild, (await register(args)).id, { type: 1, description: "changed" })).id }),
  "command delete": async (args) => void (await here.client().deleteGuildCommand(args.guild, (await register(args)).id)),
  "command list": "does not ask for localizations",
  "command permissions": async (args) => ({ count: (await here.client().getGuildCommandPermissions(args.guild)).length }),

  "direct message": async (args) => {
    const channel = await here.client().getDMChannel(args.person);
    const { id } = await channel.createMessage("hello");
    return { id, channel: channel.id };
  },
  "direct message event": async (args, ready) => {
    const { content, channel, guildID } = await direct(args, ready);
    return { content, direct: channel.type === 1 || !guildID };
  },
  "direct message answer": async (args, ready) => {
    const { id: messageID, channel } = await direct(args, ready);
    const { id } = await here.client().createMessage(channel.id, { content: "hello", messageReference: { messageID } });
    return { id, channel: channel.id };
  },
  "direct message edit event": async (args, ready) => ({ content: (await here.event(ready, "messageUpdate", (m) => m.id === args.message))[0].content }),
  "direct message reaction event": async (args, ready) => ({ emoji: (await here.event(ready, "messageReactionAdd", (m) => m.id === args.message))[1].name }),
  "direct message refused": (args) => refusal(here.client().getDMChannel(args.person).then((channel) => channel.createMessage("hello"))),

  "unknown message": (args) => refusal(here.client().getMessage(args.channel, "1")),
  "missing access": (args) => refusal(here.client().getMessages(args.channel)),
  "missing permissions": (args) => refusal(here.client().editGuildMember(args.guild, args.owner, { nick: "Boss" })),
  "invalid form": (args) => refusal(here.client().createMessage(args.channel, { embeds: [{ title: "x".repeat(300) }] })),
  "empty message": (args) => refusal(here.client().createMessage(args.channel, { content: "" })),

  SKUs: "has no SKUs",
  entitlements: "has no entitlements",
};
