// Invites and webhooks.
const here = require("./here.js");

const hooks = () => here.rest().webhooks;
const execute = async (args, what) => ({ id: (await hooks().execute(args.webhook, args.token, { wait: true, ...what })).id });
const codes = (invites) => ({ codes: invites.map((invite) => invite.code) });

module.exports = {
  "invite create": async (args) => ({ code: (await here.channels().createInvite(args.channel, { maxAge: 3600, maxUses: 5, unique: true })).code }),
  "invite fetch": async (args) => {
    const invite = await here.channels().getInvite(args.code, { withCounts: true });
    return { guild: invite.guildID || invite.guild.id, members: invite.approximateMemberCount };
  },
  "channel invites": async (args) => codes(await here.channels().getInvites(args.channel)),
  "guild invites": async (args) => codes(await here.guilds().getInvites(args.guild)),
  "invite delete": async (args) => void (await here.channels().deleteInvite(args.code)),
  "invite create event": async (args, ready) => ({ code: (await here.event(ready, "inviteCreate", (invite) => invite.guildID === args.guild))[0].code }),
  "invite delete event": async (args, ready) => ({ code: (await here.event(ready, "inviteDelete", (invite) => invite.code === args.code))[0].code }),

  "webhook create": async (args) => ({ id: (await hooks().create(args.channel, { name: "herald" })).id }),
  "channel webhooks": async (args) => ({ names: here.names(await hooks().getForChannel(args.channel)) }),
  "guild webhooks": async (args) => ({ names: here.names(await hooks().getForGuild(args.guild)) }),
  "webhook fetch": async (args) => ({ name: (await hooks().get(args.webhook, args.token)).name }),
  "webhook edit": async (args) => void (await hooks().edit(args.webhook, { name: "crier" })),
  "webhook delete": async (args) => void (await hooks().delete(args.webhook)),
  "webhook execute": (args) => execute(args, { content: "hear", username: "the crier", embeds: [{ title: "Title" }] }),
  "webhook file": (args) => execute(args, { files: [here.file("notes.txt", "some notes")] }),
  "webhook in a thread": (args) => execute(args, { content: "hear", threadID: args.thread }),
  "webhook message fetch": async (args) => ({ content: (await hooks().getMessage(args.webhook, args.token, args.message)).content }),
  "webhook message edit": async (args) => void (await hooks().editMessage(args.webhook, args.token, args.message, { content: "changed" })),
  "webhook message delete": async (args) => void (await hooks().deleteMessage(args.webhook, args.token, args.message)),
  "webhooks event": async (args, ready) => ({ channel: (await here.event(ready, "webhooksUpdate", (guild) => guild.id === args.guild))[1].id }),
};
