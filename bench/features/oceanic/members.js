// Members.
const here = require("./here.js");

const edit = (args, change) => here.guilds().editMember(args.guild, args.person, change);
const ofGuild = (args) => (member) => member.guildID === args.guild;
const inGuild = (args) => (first, second) => [first, second].some((what) => what && what.id === args.guild);

module.exports = {
  "member fetch": async (args) => {
    const { username, joinedAt } = await here.guilds().getMember(args.guild, args.person);
    return { name: username, joined: joinedAt instanceof Date };
  },
  "member list": async (args) => ({ count: (await here.guilds().getMembers(args.guild, { limit: 100 })).length }),
  "member search": async (args) => ({ ids: here.ids(await here.guilds().searchMembers(args.guild, { query: "person", limit: 10 })) }),
  nickname: async (args) => void (await edit(args, { nick: "Pat" })),
  "role give": async (args) => void (await here.guilds().addMemberRole(args.guild, args.person, args.role)),
  "role take": async (args) => void (await here.guilds().removeMemberRole(args.guild, args.person, args.role)),
  "roles set": async (args) => void (await edit(args, { roles: [args.role] })),
  timeout: async (args) => {
    const until = new Date(Date.now() + 3600_000).toISOString();
    return { until: Math.floor((await edit(args, { communicationDisabledUntil: until })).communicationDisabledUntil / 1000) };
  },
  "timeout end": async (args) => void (await edit(args, { communicationDisabledUntil: null })),
  kick: async (args) => void (await here.guilds().removeMember(args.guild, args.person, "spam")),
  ban: async (args) => void (await here.guilds().createBan(args.guild, args.person, { reason: "spam", deleteMessageSeconds: 3600 })),
  unban: async (args) => void (await here.guilds().removeBan(args.guild, args.person)),
  "bulk ban": async (args) => ({ banned: (await here.guilds().bulkBan(args.guild, { userIDs: [args.person, args.other] })).bannedUsers }),
  "ban list": async (args) => ({ ids: here.ids((await here.guilds().getBans(args.guild)).map((ban) => ban.user)) }),
  "ban fetch": async (args) => ({ id: (await here.guilds().getBan(args.guild, args.person)).user.id }),
  "own nickname": async (args) => void (await here.guilds().editCurrentMember(args.guild, { nick: "Robo" })),
  "own guild profile": async (args) => ({ avatar: (await here.guilds().editCurrentMember(args.guild, { avatar: args.picture, bio: "I paint" })).avatar }),
  "member join event": async (args, ready) => ({ name: (await here.event(ready, "guildMemberAdd", ofGuild(args)))[0].username }),
  "member leave event": async (args, ready) => ({ id: (await here.event(ready, "guildMemberRemove", inGuild(args)))[0].id }),
  "member update event": async (args, ready) => {
    const [{ id, nick }] = await here.event(ready, "guildMemberUpdate", ofGuild(args));
    return { id, nick };
  },
  "ban event": async (args, ready) => ({ id: (await here.event(ready, "guildBanAdd", inGuild(args)))[1].id }),
  "unban event": async (args, ready) => ({ id: (await here.event(ready, "guildBanRemove", inGuild(args)))[1].id }),
  "permissions of a member": async (args) => ({ permissions: here.client().getChannel(args.channel).permissionsOf(await here.guilds().getMember(args.guild, args.person)).allow.toString() }),
  "permissions while timed out": "does not count timeouts",
};
