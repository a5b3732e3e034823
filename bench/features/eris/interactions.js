// Application commands, components and modals, as people use them.
const here = require("./here.js");

const ephemeral = 64;
const used = async (args, ready, data) => (await here.event(ready, "interactionCreate", (i) => i.guildID === args.guild, data))[0];
const ping = (answer) => async (args, ready) => answer(await used(args, ready), args);
const row = (component) => [{ type: 1, components: [component] }];
const value = (options, name) => options.find((option) => option.name === name).value;

// offer sends a message with a component, and waits until somebody uses it.
const offer = async (args, ready, component) => {
  const { id } = await here.client().createMessage(args.channel, { content: "here", components: row(component) });
  return used(args, ready, { message: id });
};
const button = { type: 2, style: 1, label: "Press", custom_id: "press" };
const select = (component) => async (args, ready) => {
  const interaction = await offer(args, ready, { custom_id: "choose", ...component });
  await interaction.createMessage("chosen");
  return { values: interaction.data.values };
};
const form = (style) => ({ custom_id: "form", title: "Form", components: row({ type: 4, custom_id: "text", label: "Text", style }) });

// submitted shows a modal and waits until it is submitted.
const submitted = async (args, interaction, modal) => {
  const waiting = here.event(() => {}, "interactionCreate", (i) => i.guildID === args.guild && i.type === 5);
  await interaction.createModal(modal);
  const [submit] = await waiting;
  await submit.createMessage("thanks");
  return submit.data.components;
};
const abc = ["a", "b", "c"].map((value) => ({ label: value, value }));

module.exports = {
  "slash command": ping(async (interaction) => {
    await interaction.createMessage("pong");
    return { user: (interaction.member || interaction.user).id };
  }),
  "options of every type": ping(async (interaction) => {
    const { options, resolved } = interaction.data;
    await interaction.createMessage("got it");
    const of = (name) => value(options, name);
    const attachments = resolved.attachments;
    return {
      s: of("s"), i: of("i"), b: of("b"), n: of("n"), user: of("user"), channel: of("channel"), role: of("role"), mentionable: of("mentionable"),
      attachment: (attachments.get ? attachments.get(of("attachment")) : attachments[of("attachment")]).filename,
    };
  }),
  "sub-command": ping(async (interaction) => {
    await interaction.createMessage("got it");
    const [sub] = interaction.data.options;
    return { sub: sub.name, value: value(sub.options, "value") };
  }),
  "sub-command group": ping(async (interaction) => {
    await interaction.createMessage("got it");
    const [group] = interaction.data.options;
    return { group: group.name, sub: group.options[0].name, value: value(group.options[0].options, "value") };
  }),
  autocomplete: ping(async (interaction) => {
    const { name, value } = interaction.data.options.find((option) => option.focused);
    await interaction.result([{ name: "alpha", value: "1" }, { name: "alps", value: "2" }]);
    return { name, value };
  }),
  "user command": ping(async (interaction, args) => {
    await interaction.createMessage("got it");
    return { target: interaction.data.target_id, name: interaction.data.resolved.users.get(args.other).username };
  }),
  "message command": ping(async (interaction, args) => {
    await interaction.createMessage("got it");
    return { target: interaction.data.target_id, content: interaction.data.resolved.messages.get(args.message).content };
  }),
  "ephemeral answer": ping(async (interaction) => void (await interaction.createMessage({ content: "pong", flags: ephemeral }))),
  "deferred answer": ping(async (interaction) => {
    await interaction.defer();
    await interaction.editOriginalMessage("late");
  }),
  "deferred ephemeral answer": ping(async (interaction) => {
    await interaction.defer(ephemeral);
    await interaction.editOriginalMessage("late");
  }),
  "follow-up": ping(async (interaction) => {
    await interaction.createMessage("pong");
    return { id: (await interaction.createFollowup("more")).id };
  }),
  "follow-up edit": ping(async (interaction) => {
    await interaction.createMessage("pong");
    const { id } = await interaction.createFollowup("more");
    await interaction.editMessage(id, "changed");
    return { id };
  }),
  "follow-up delete": ping(async (interaction) => {
    await interaction.createMessage("pong");
    const { id } = await interaction.createFollowup("more");
    await interaction.deleteMessage(id);
    return { id };
  }),
  "answer edit": ping(async (interaction) => {
    await interaction.createMessage("pong");
    await interaction.editOriginalMessage("changed");
  }),
  "answer fetch": ping(async (interaction) => {
    await interaction.createMessage("pong");
    const { id, content } = await interaction.getOriginalMessage();
    return { id, content };
  }),
  "answer delete": ping(async (interaction) => {
    await interaction.createMessage("pong");
    const { id } = await interaction.getOriginalMessage();
    await interaction.deleteOriginalMessage();
    return { id };
  }),
  "answer with a file": ping(async (interaction) => {
    await interaction.createMessage("", here.file("notes.txt", "some notes"));
    return { id: (await interaction.getOriginalMessage()).id };
  }),
  "global command in a direct message": async (args, ready) => {
    await here.client().createCommand({ type: 1, name: "alone", description: "alone" });
    const [interaction] = await here.event(ready, "interactionCreate", (i) => i.data.name === "alone");
    await interaction.createMessage("pong");
    return { channel: interaction.channel.id, direct: !interaction.guildID };
  },
  "permissions of an interaction": ping(async (interaction, args) => {
    await interaction.createMessage("pong");
    const computed = here.client().getChannel(args.channel).permissionsOf(interaction.member);
    return { own: interaction.appPermissions.allow.toString(), member: interaction.member.permissions.allow.toString(), computed: computed.allow.toString() };
  }),
  button: async (args, ready) => {
    const interaction = await offer(args, ready, button);
    await interaction.createMessage("pressed");
    return { user: interaction.member.id };
  },
  "button update": async (args, ready) => {
    const interaction = await offer(args, ready, button);
    await interaction.editParent({ content: "updated" });
    return { message: interaction.message.id };
  },
  "button deferred update": async (args, ready) => {
    const interaction = await offer(args, ready, button);
    await interaction.deferUpdate();
    await interaction.editOriginalMessage("late");
    return { message: interaction.message.id };
  },
  "link button": async (args) =>
    ({ id: (await here.client().createMessage(args.channel, { content: "here", components: row({ type: 2, style: 5, label: "There", url: "https://example.com" }) })).id }),
  "string select": select({ type: 3, options: abc, max_values: 2 }),
  "user select": select({ type: 5 }),
  "role select": select({ type: 6 }),
  "mentionable select": select({ type: 7 }),
  "channel select": select({ type: 8 }),
  modal: async (args, ready) => ({ value: (await submitted(args, await used(args, ready), form(1)))[0].components[0].value }),
  "modal of a button": async (args, ready) => ({ value: (await submitted(args, await offer(args, ready, button), form(2)))[0].components[0].value }),
  "modal with a select": async (args, ready) => {
    const label = { type: 18, label: "Pick", component: { type: 3, custom_id: "pick", options: abc.slice(0, 2) } };
    return { values: (await submitted(args, await used(args, ready), { custom_id: "form", title: "Form", components: [label] }))[0].component.values };
  },
};
