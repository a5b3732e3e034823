// Members.
const { Events } = require("discord.js");
const here = require("./here.js");

const ofGuild = (args) => (what) => what.guild.id === args.guild;

module.exports = {
  "member fetch": async (args) => {
    const { user, joinedTimestamp } = await here.guild(args).members.fetch({ user: args.person, force: true });
    return { name: user.username, joined: joinedTimestamp > 0 };
  },
  "member list": async (args) => ({ count: (await here.guild(args).members.list({ limit: 100 })).size }),
  "member search": async (args) => ({ ids: here.ids(await here.guild(args).members.search({ query: "person" })) }),
  nickname: async (args) => void (await (await here.member(args)).setNickname("Pat")),
  "role give": async (args) => void (await (await here.member(args)).roles.add(args.role)),
  "role take": async (args) => void (await (await here.member(args)).roles.remove(args.role)),
  "roles set": async (args) => void (await (await here.member(args)).roles.set([args.role])),
  timeout: async (args) => ({ until: Math.floor((await (await here.member(args)).timeout(3600_000)).communicationDisabledUntilTimestamp / 1000) }),
  "timeout end": async (args) => void (await (await here.member(args)).timeout(null)),
  kick: async (args) => void (await (await here.member(args)).kick("spam")),
  ban: async (args) => void (await here.guild(args).members.ban(args.person, { reason: "spam", deleteMessageSeconds: 3600 })),
  unban: async (args) => void (await here.guild(args).members.unban(args.person)),
  "bulk ban": async (args) => ({ banned: (await here.guild(args).members.bulkBan([args.person, args.other])).bannedUsers }),
  "ban list": async (args) => ({ ids: here.ids(await here.guild(args).bans.fetch()) }),
  "ban fetch": async (args) => ({ id: (await here.guild(args).bans.fetch(args.person)).user.id }),
  "own nickname": async (args) => void (await here.guild(args).members.me.setNickname("Robo")),
  "own guild profile": async (args) => ({ avatar: (await here.guild(args).members.editMe({ avatar: args.picture, bio: "I paint" })).avatar }),
  "member join event": async (args, ready) => ({ name: (await here.event(ready, Events.GuildMemberAdd, ofGuild(args)))[0].user.username }),
  "member leave event": async (args, ready) => ({ id: (await here.event(ready, Events.GuildMemberRemove, ofGuild(args)))[0].id }),
  "member update event": async (args, ready) => {
    const [, { id, nickname }] = await here.event(ready, Events.GuildMemberUpdate, (before, m) => m.guild.id === args.guild);
    return { id, nick: nickname };
  },
  "ban event": async (args, ready) => ({ id: (await here.event(ready, Events.GuildBanAdd, ofGuild(args)))[0].user.id }),
  "unban event": async (args, ready) => ({ id: (await here.event(ready, Events.GuildBanRemove, ofGuild(args)))[0].user.id }),
  "permissions of a member": async (args) => ({ permissions: (await here.member(args)).permissionsIn(args.channel).bitfield.toString() }),
  "permissions while timed out": "does not count timeouts",
};
