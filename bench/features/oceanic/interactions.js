// Application commands, components and modals, as people use them.
const here = require("./here.js");

const ephemeral = 64;
const used = async (args, ready, data) => (await here.event(ready, "interactionCreate", (i) => i.guildID === args.guild, data))[0];
const ping = (answer) => async (args, ready) => answer(await used(args, ready));
const pong = (interaction, more) => interaction.createMessage({ content: "pong", ...more });
const row = (component) => [{ type: 1, components: [component] }];

// offer sends a message with a component, and waits until somebody uses it.
const offer = async (args, ready, component) => {
  const { id } = await here.channels().createMessage(args.channel, { content: "here", components: row(component) });
  return used(args, ready, { message: id });
};
const button = { type: 2, style: 1, label: "Press", customID: "press" };
const select = (component) => async (args, ready) => {
  const interaction = await offer(args, ready, { customID: "choose", ...component });
  await interaction.createMessage({ content: "chosen" });
  return { values: interaction.data.values.raw };
};
const form = (style) => ({ customID: "form", title: "Form", components: row({ type: 4, customID: "text", label: "Text", style }) });

// submitted shows a modal and waits until it is submitted.
const submitted = async (args, interaction, modal) => {
  const waiting = here.event(() => {}, "interactionCreate", (i) => i.guildID === args.guild && i.type === 5);
  await interaction.createModal(modal);
  const [submit] = await waiting;
  await submit.createMessage({ content: "thanks" });
  return submit.data.components;
};
const abc = ["a", "b", "c"].map((value) => ({ label: value, value }));

module.exports = {
  "slash command": ping(async (interaction) => {
    await pong(interaction);
    return { user: interaction.user.id };
  }),
  "options of every type": ping(async (interaction) => {
    const { options } = interaction.data;
    await interaction.createMessage({ content: "got it" });
    return {
      s: options.getString("s"), i: options.getInteger("i"), b: options.getBoolean("b"), n: options.getNumber("n"), user: options.getUser("user").id, channel: options.getChannel("channel").id,
      role: options.getRole("role").id, mentionable: options.getMentionable("mentionable").id, attachment: options.getAttachment("attachment").filename,
    };
  }),
  "sub-command": ping(async (interaction) => {
    await interaction.createMessage({ content: "got it" });
    const [sub] = interaction.data.options.getSubCommand();
    return { sub, value: interaction.data.options.getString("value") };
  }),
  "sub-command group": ping(async (interaction) => {
    await interaction.createMessage({ content: "got it" });
    const [group, sub] = interaction.data.options.getSubCommand();
    return { group, sub, value: interaction.data.options.getString("value") };
  }),
  autocomplete: ping(async (interaction) => {
    const { name, value } = interaction.data.options.getFocused();
    await interaction.result([{ name: "alpha", value: "1" }, { name: "alps", value: "2" }]);
    return { name, value };
  }),
  "user command": ping(async (interaction) => {
    await interaction.createMessage({ content: "got it" });
    return { target: interaction.data.targetID, name: interaction.data.target.username };
  }),
  "message command": ping(async (interaction) => {
    await interaction.createMessage({ content: "got it" });
    return { target: interaction.data.targetID, content: interaction.data.target.content };
  }),
  "ephemeral answer": ping(async (interaction) => void (await pong(interaction, { flags: ephemeral }))),
  "deferred answer": ping(async (interaction) => {
    await interaction.defer();
    await interaction.editOriginal({ content: "late" });
  }),
  "deferred ephemeral answer": ping(async (interaction) => {
    await interaction.defer(ephemeral);
    await interaction.editOriginal({ content: "late" });
  }),
  "follow-up": ping(async (interaction) => {
    await pong(interaction);
    return { id: (await (await interaction.createFollowup({ content: "more" })).getMessage()).id };
  }),
  "follow-up edit": ping(async (interaction) => {
    await pong(interaction);
    const { id } = await (await interaction.createFollowup({ content: "more" })).getMessage();
    await interaction.editFollowup(id, { content: "changed" });
    return { id };
  }),
  "follow-up delete": ping(async (interaction) => {
    await pong(interaction);
    const { id } = await (await interaction.createFollowup({ content: "more" })).getMessage();
    await interaction.deleteFollowup(id);
    return { id };
  }),
  "answer edit": ping(async (interaction) => {
    await pong(interaction);
    await interaction.editOriginal({ content: "changed" });
  }),
  "answer fetch": ping(async (interaction) => {
    await pong(interaction);
    const { id, content } = await interaction.getOriginal();
    return { id, content };
  }),
  "answer delete": ping(async (interaction) => {
    await pong(interaction);
    const { id } = await interaction.getOriginal();
    await interaction.deleteOriginal();
    return { id };
  }),
  "answer with a file": ping(async (interaction) => {
    await interaction.createMessage({ files: [here.file("notes.txt", "some notes")] });
    return { id: (await interaction.getOriginal()).id };
  }),
  "global command in a direct message": async (args, ready) => {
    await here.rest().applications.createGlobalCommand(args.app, { type: 1, name: "alone", description: "alone", contexts: [1] });
    const [interaction] = await here.event(ready, "interactionCreate", (i) => i.data.name === "alone");
    await pong(interaction);
    return { channel: interaction.channelID, direct: !interaction.guildID };
  },
  "permissions of an interaction": ping(async (interaction) => {
    await pong(interaction);
    const computed = here.client().getChannel(interaction.channelID).permissionsOf(interaction.member);
    return { own: interaction.appPermissions.allow.toString(), member: interaction.memberPermissions.allow.toString(), computed: computed.allow.toString() };
  }),
  button: async (args, ready) => {
    const interaction = await offer(args, ready, button);
    await interaction.createMessage({ content: "pressed" });
    return { user: interaction.user.id };
  },
  "button update": async (args, ready) => {
    const interaction = await offer(args, ready, button);
    await interaction.editParent({ content: "updated" });
    return { message: interaction.message.id };
  },
  "button deferred update": async (args, ready) => {
    const interaction = await offer(args, ready, button);
    await interaction.deferUpdate();
    await interaction.editOriginal({ content: "late" });
    return { message: interaction.message.id };
  },
  "link button": async (args) =>
    ({ id: (await here.channels().createMessage(args.channel, { content: "here", components: row({ type: 2, style: 5, label: "There", url: "https://example.com" }) })).id }),
  "string select": select({ type: 3, options: abc, maxValues: 2 }),
  "user select": select({ type: 5 }),
  "role select": select({ type: 6 }),
  "mentionable select": select({ type: 7 }),
  "channel select": select({ type: 8, channelTypes: [] }),
  modal: async (args, ready) => ({ value: (await submitted(args, await used(args, ready), form(1))).getTextInput("text") }),
  "modal of a button": async (args, ready) => ({ value: (await submitted(args, await offer(args, ready, button), form(2))).getTextInput("text") }),
  "modal with a select": async (args, ready) => {
    const label = { type: 18, label: "Pick", component: { type: 3, customID: "pick", options: abc.slice(0, 2) } };
    return { values: (await submitted(args, await used(args, ready), { customID: "form", title: "Form", components: [label] })).getStringSelectValues("pick") };
  },
};
