// Invites and webhooks.
const { AttachmentBuilder, EmbedBuilder, Events, WebhookClient } = require("discord.js");
const here = require("./here.js");

const webhook = (args) => here.client().fetchWebhook(args.webhook, args.token);
const codes = (invites) => ({ codes: here.ids(invites) });

module.exports = {
  "invite create": async (args) => ({ code: (await here.channel(args).createInvite({ maxAge: 3600, maxUses: 5, unique: true })).code }),
  "invite fetch": async (args) => {
    const { guild, memberCount } = await here.client().fetchInvite(args.code);
    return { guild: guild.id, members: memberCount };
  },
  "channel invites": async (args) => codes(await here.channel(args).fetchInvites()),
  "guild invites": async (args) => codes(await here.guild(args).invites.fetch()),
  "invite delete": async (args) => void (await here.guild(args).invites.delete(args.code)),
  "invite create event": async (args, ready) => ({ code: (await here.event(ready, Events.InviteCreate, (invite) => invite.guild.id === args.guild))[0].code }),
  "invite delete event": async (args, ready) => ({ code: (await here.event(ready, Events.InviteDelete, (invite) => invite.guild.id === args.guild))[0].code }),

  "webhook create": async (args) => ({ id: (await here.channel(args).createWebhook({ name: "herald" })).id }),
  "channel webhooks": async (args) => ({ names: here.names(await here.channel(args).fetchWebhooks()) }),
  "guild webhooks": async (args) => ({ names: here.names(await here.guild(args).fetchWebhooks()) }),
  "webhook fetch": async (args) => ({ name: (await webhook(args)).name }),
  "webhook edit": async (args) => void (await (await webhook(args)).edit({ name: "crier" })),
  "webhook delete": async (args) => void (await (await webhook(args)).delete()),
  "webhook execute": async (args) => {
    const client = new WebhookClient({ id: args.webhook, token: args.token }, { rest: { api: process.env.DISCORD_ORIGIN + "/api" } });
    return { id: (await client.send({ content: "hear", username: "the crier", embeds: [new EmbedBuilder().setTitle("Title")] })).id };
  },
  "webhook file": async (args) => ({ id: (await (await webhook(args)).send({ files: [new AttachmentBuilder(Buffer.from("some notes"), { name: "notes.txt" })] })).id }),
  "webhook in a thread": async (args) => ({ id: (await (await webhook(args)).send({ content: "hear", threadId: args.thread })).id }),
  "webhook message fetch": async (args) => ({ content: (await (await webhook(args)).fetchMessage(args.message)).content }),
  "webhook message edit": async (args) => void (await (await webhook(args)).editMessage(args.message, "changed")),
  "webhook message delete": async (args) => void (await (await webhook(args)).deleteMessage(args.message)),
  "webhooks event": async (args, ready) => ({ channel: (await here.event(ready, Events.WebhooksUpdate, (channel) => channel.id === args.channel))[0].id }),
};
