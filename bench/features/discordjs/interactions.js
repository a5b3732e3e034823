// Application commands, components and modals, as people use them.
const {
  ActionRowBuilder, AttachmentBuilder, ButtonBuilder, ButtonStyle, ChannelSelectMenuBuilder, Events, LabelBuilder, MentionableSelectMenuBuilder, MessageFlags, ModalBuilder, RoleSelectMenuBuilder,
  StringSelectMenuBuilder, TextInputBuilder, TextInputStyle, UserSelectMenuBuilder,
} = require("discord.js");
const here = require("./here.js");

const ephemeral = { flags: MessageFlags.Ephemeral };
const used = async (args, ready, data) => (await here.event(ready, Events.InteractionCreate, (i) => i.guildId === args.guild, data))[0];
const row = (component) => new ActionRowBuilder().addComponents(component);
const ping = (answer) => async (args, ready) => answer(await used(args, ready));

// offer sends a message with a component, and waits until somebody uses it.
const offer = async (args, ready, component) => {
  const { id } = await here.channel(args).send({ content: "here", components: [row(component)] });
  return used(args, ready, { message: id });
};
const button = () => new ButtonBuilder().setCustomId("press").setLabel("Press").setStyle(ButtonStyle.Primary);
const select = (builder) => async (args, ready) => {
  const interaction = await offer(args, ready, builder().setCustomId("choose"));
  await interaction.reply("chosen");
  return { values: interaction.values };
};
const form = (style) =>
  new ModalBuilder().setCustomId("form").setTitle("Form").addComponents(row(new TextInputBuilder().setCustomId("text").setLabel("Text").setStyle(style)));

// submitted shows a modal and waits until it is submitted.
const submitted = async (args, interaction, modal) => {
  const waiting = here.event(() => {}, Events.InteractionCreate, (i) => i.guildId === args.guild && i.isModalSubmit());
  await interaction.showModal(modal);
  const [submit] = await waiting;
  await submit.reply("thanks");
  return submit.fields;
};
const abc = ["a", "b", "c"].map((value) => ({ label: value, value }));

module.exports = {
  "slash command": ping(async (interaction) => {
    await interaction.reply("pong");
    return { user: interaction.user.id };
  }),
  "options of every type": ping(async (interaction) => {
    const { options } = interaction;
    await interaction.reply("got it");
    return {
      s: options.getString("s"), i: options.getInteger("i"), b: options.getBoolean("b"), n: options.getNumber("n"), user: options.getUser("user").id, channel: options.getChannel("channel").id,
      role: options.getRole("role").id, mentionable: options.getMentionable("mentionable").id, attachment: options.getAttachment("attachment").name,
    };
  }),
  "sub-command": ping(async (interaction) => {
    await interaction.reply("got it");
    return { sub: interaction.options.getSubcommand(), value: interaction.options.getString("value") };
  }),
  "sub-command group": ping(async (interaction) => {
    await interaction.reply("got it");
    return { group: interaction.options.getSubcommandGroup(), sub: interaction.options.getSubcommand(), value: interaction.options.getString("value") };
  }),
  autocomplete: ping(async (interaction) => {
    const { name, value } = interaction.options.getFocused(true);
    await interaction.respond([{ name: "alpha", value: "1" }, { name: "alps", value: "2" }]);
    return { name, value };
  }),
  "user command": ping(async (interaction) => {
    await interaction.reply("got it");
    return { target: interaction.targetId, name: interaction.targetUser.username };
  }),
  "message command": ping(async (interaction) => {
    await interaction.reply("got it");
    return { target: interaction.targetId, content: interaction.targetMessage.content };
  }),
  "ephemeral answer": ping(async (interaction) => void (await interaction.reply({ content: "pong", ...ephemeral }))),
  "deferred answer": ping(async (interaction) => {
    await interaction.deferReply();
    await interaction.editReply("late");
  }),
  "deferred ephemeral answer": ping(async (interaction) => {
    await interaction.deferReply(ephemeral);
    await interaction.editReply("late");
  }),
  "follow-up": ping(async (interaction) => {
    await interaction.reply("pong");
    return { id: (await interaction.followUp("more")).id };
  }),
  "follow-up edit": ping(async (interaction) => {
    await interaction.reply("pong");
    const { id } = await interaction.followUp("more");
    await interaction.editReply({ message: id, content: "changed" });
    return { id };
  }),
  "follow-up delete": ping(async (interaction) => {
    await interaction.reply("pong");
    const { id } = await interaction.followUp("more");
    await interaction.deleteReply(id);
    return { id };
  }),
  "answer edit": ping(async (interaction) => {
    await interaction.reply("pong");
    await interaction.editReply("changed");
  }),
  "answer fetch": ping(async (interaction) => {
    await interaction.reply("pong");
    const { id, content } = await interaction.fetchReply();
    return { id, content };
  }),
  "answer delete": ping(async (interaction) => {
    const { resource } = await interaction.reply({ content: "pong", withResponse: true });
    await interaction.deleteReply();
    return { id: resource.message.id };
  }),
  "answer with a file": ping(async (interaction) => {
    const { resource } = await interaction.reply({ files: [new AttachmentBuilder(Buffer.from("some notes"), { name: "notes.txt" })], withResponse: true });
    return { id: resource.message.id };
  }),
  "global command in a direct message": async (args, ready) => {
    await here.client().application.commands.create({ name: "alone", description: "alone", contexts: [1] });
    const [interaction] = await here.event(ready, Events.InteractionCreate, (i) => i.commandName === "alone");
    await interaction.reply("pong");
    return { channel: interaction.channelId, direct: !interaction.inGuild() };
  },
  "permissions of an interaction": ping(async (interaction) => {
    await interaction.reply("pong");
    const computed = interaction.channel.permissionsFor(interaction.user);
    return { own: interaction.appPermissions.bitfield.toString(), member: interaction.memberPermissions.bitfield.toString(), computed: computed.bitfield.toString() };
  }),
  button: async (args, ready) => {
    const interaction = await offer(args, ready, button());
    await interaction.reply("pressed");
    return { user: interaction.user.id };
  },
  "button update": async (args, ready) => {
    const interaction = await offer(args, ready, button());
    await interaction.update("updated");
    return { message: interaction.message.id };
  },
  "button deferred update": async (args, ready) => {
    const interaction = await offer(args, ready, button());
    await interaction.deferUpdate();
    await interaction.editReply("late");
    return { message: interaction.message.id };
  },
  "link button": async (args) => {
    const link = new ButtonBuilder().setURL("https://example.com").setLabel("There").setStyle(ButtonStyle.Link);
    return { id: (await here.channel(args).send({ content: "here", components: [row(link)] })).id };
  },
  "string select": select(() => new StringSelectMenuBuilder().addOptions(abc).setMaxValues(2)),
  "user select": select(() => new UserSelectMenuBuilder()),
  "role select": select(() => new RoleSelectMenuBuilder()),
  "mentionable select": select(() => new MentionableSelectMenuBuilder()),
  "channel select": select(() => new ChannelSelectMenuBuilder()),
  modal: async (args, ready) => ({ value: (await submitted(args, await used(args, ready), form(TextInputStyle.Short))).getTextInputValue("text") }),
  "modal of a button": async (args, ready) => ({ value: (await submitted(args, await offer(args, ready, button()), form(TextInputStyle.Paragraph))).getTextInputValue("text") }),
  "modal with a select": async (args, ready) => {
    const pick = new StringSelectMenuBuilder().setCustomId("pick").addOptions(abc.slice(0, 2));
    const modal = new ModalBuilder().setCustomId("form").setTitle("Form").addLabelComponents(new LabelBuilder().setLabel("Pick").setStringSelectMenuComponent(pick));
    return { values: (await submitted(args, await used(args, ready), modal)).getStringSelectValues("pick") };
  },
};
