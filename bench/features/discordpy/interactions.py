"""Application commands, components and modals."""
import asyncio
import io
import typing

import discord
from discord import app_commands, ui
from messages import sent
import here
from talk import Cannot, cannot, feature


def coming():
    return asyncio.get_running_loop().create_future()


def ping(a, ready, name="ping"):
    """The use of a command without options."""
    come = coming()

    @here.tree.command(name=name, description="pong", guild=a.guild)
    async def _(interaction: discord.Interaction):
        come.set_result(interaction)

    ready()
    return come


@feature("slash command")
async def _(a, ready):
    interaction = await ping(a, ready)
    await interaction.response.send_message("pong")
    return {"user": str(interaction.user.id)}


@feature("options of every type")
async def _(a, ready):
    come = coming()

    @here.tree.command(name="all", description="all", guild=a.guild)
    async def _(
        interaction: discord.Interaction, s: str, i: int, b: bool, n: float, user: discord.Member, channel: discord.VoiceChannel,
        role: discord.Role, mentionable: typing.Union[discord.Member, discord.Role], attachment: discord.Attachment,
    ):
        await interaction.response.send_message("got it")
        come.set_result({
            "s": s, "i": i, "b": b, "n": n, "user": str(user.id), "channel": str(channel.id), "role": str(role.id),
            "mentionable": str(mentionable.id), "attachment": attachment.filename,
        })

    ready()
    return await come


def config(a, ready, *groups):
    come = coming()
    group = top = app_commands.Group(name="config", description="d")
    for name in groups:
        group = app_commands.Group(name=name, description="d", parent=group)

    @group.command(name="set", description="d")
    async def _(interaction: discord.Interaction, value: str):
        await interaction.response.send_message("got it")
        come.set_result({"group": interaction.command.parent.name, "sub": interaction.command.name, "value": value})

    here.tree.add_command(top, guild=a.guild)
    ready()
    return come


@feature("sub-command")
async def _(a, ready):
    return await config(a, ready)


@feature("sub-command group")
async def _(a, ready):
    return await config(a, ready, "channel")


@feature("autocomplete")
async def _(a, ready):
    come = coming()

    @here.tree.command(name="find", description="d", guild=a.guild)
    async def find(interaction: discord.Interaction, what: str):
        pass

    @find.autocomplete("what")
    async def _(interaction: discord.Interaction, current: str):
        come.set_result({"name": "what", "value": current})
        return [app_commands.Choice(name="alpha", value="1"), app_commands.Choice(name="alps", value="2")]

    ready()
    data = await come
    await asyncio.sleep(0.1)  # until the library has answered
    return data


def menu(a, ready, name, kind, what):
    come = coming()

    async def chosen(interaction, target):
        await interaction.response.send_message("got it")
        come.set_result({"target": str(target.id), **what(target)})

    chosen.__annotations__["target"] = kind
    here.tree.add_command(app_commands.ContextMenu(name=name, callback=chosen), guild=a.guild)
    ready()
    return come


@feature("user command")
async def _(a, ready):
    return await menu(a, ready, "Wave", discord.Member, lambda m: {"name": m.name})


@feature("message command")
async def _(a, ready):
    return await menu(a, ready, "Save", discord.Message, lambda m: {"content": m.content})


@feature("ephemeral answer")
async def _(a, ready):
    await (await ping(a, ready)).response.send_message("pong", ephemeral=True)


async def late(a, ready, **how):
    interaction = await ping(a, ready)
    await interaction.response.defer(thinking=True, **how)
    await interaction.edit_original_response(content="late")


@feature("deferred answer")
async def _(a, ready):
    await late(a, ready)


@feature("deferred ephemeral answer")
async def _(a, ready):
    await late(a, ready, ephemeral=True)


async def answered(a, ready):
    interaction = await ping(a, ready)
    await interaction.response.send_message("pong")
    return interaction


@feature("follow-up")
async def _(a, ready):
    return sent(await (await answered(a, ready)).followup.send("more", wait=True))


@feature("follow-up edit")
async def _(a, ready):
    more = await (await answered(a, ready)).followup.send("more", wait=True)
    return sent(await more.edit(content="changed"))


@feature("follow-up delete")
async def _(a, ready):
    more = await (await answered(a, ready)).followup.send("more", wait=True)
    await more.delete()
    return sent(more)


@feature("answer edit")
async def _(a, ready):
    await (await answered(a, ready)).edit_original_response(content="changed")


@feature("answer fetch")
async def _(a, ready):
    return sent(await (await answered(a, ready)).original_response())


@feature("answer delete")
async def _(a, ready):
    interaction = await answered(a, ready)
    message = await interaction.original_response()
    await interaction.delete_original_response()
    return sent(message)


@feature("answer with a file")
async def _(a, ready):
    interaction = await ping(a, ready)
    await interaction.response.send_message(file=discord.File(io.BytesIO(b"some notes"), "notes.txt"))
    return sent(await interaction.original_response())


@feature("global command in a direct message")
async def _(a, ready):
    come = coming()

    @here.tree.command(name="alone", description="alone")
    async def _(interaction: discord.Interaction):
        await interaction.response.send_message("pong")
        come.set_result({"channel": str(interaction.channel_id), "direct": interaction.guild_id is None})

    await here.tree.sync()
    ready()
    return await come


cannot("leaves out what means nothing in a text channel", "permissions of an interaction")


# Components.

async def offer(a, ready, component):
    """Sends a message with one component; gives the message and the press to come."""
    come, view = coming(), ui.View(timeout=60)

    async def callback(interaction):
        come.set_result(interaction)

    component.callback = callback
    view.add_item(component)
    message = await a.channel().send("choose", view=view)
    ready(message=str(message.id))
    return message, come


def button():
    return ui.Button(label="press", custom_id="press")


@feature("button")
async def _(a, ready):
    _, pressed = await offer(a, ready, button())
    interaction = await pressed
    await interaction.response.send_message("pressed")
    return {"user": str(interaction.user.id)}


@feature("button update")
async def _(a, ready):
    message, pressed = await offer(a, ready, button())
    await (await pressed).response.edit_message(content="updated")
    return {"message": str(message.id)}


@feature("button deferred update")
async def _(a, ready):
    message, pressed = await offer(a, ready, button())
    interaction = await pressed
    await interaction.response.defer()
    await interaction.edit_original_response(content="late")
    return {"message": str(message.id)}


@feature("link button")
async def _(a, ready):
    view = ui.View()
    view.add_item(ui.Button(label="there", url="https://example.com"))
    return sent(await a.channel().send("go", view=view))


async def choose(a, ready, select):
    _, chosen = await offer(a, ready, select)
    interaction = await chosen
    await interaction.response.send_message("chosen")
    return {"values": [str(getattr(v, "id", v)) for v in select.values]}


@feature("string select")
async def _(a, ready):
    options = [discord.SelectOption(label=name) for name in "abc"]
    return await choose(a, ready, ui.Select(custom_id="choose", options=options, min_values=1, max_values=2))


def select(name, kind):
    @feature(name)
    async def _(a, ready):
        return await choose(a, ready, kind(custom_id="choose"))


select("user select", ui.UserSelect)
select("role select", ui.RoleSelect)
select("mentionable select", ui.MentionableSelect)
select("channel select", ui.ChannelSelect)


# Modals.

async def ask(interaction, style):
    come = coming()

    class Form(ui.Modal, title="form"):
        text = ui.TextInput(label="text", custom_id="text", style=style)

        async def on_submit(self, submitted):
            await submitted.response.send_message("thanks")
            come.set_result({"value": self.text.value})

    await interaction.response.send_modal(Form(custom_id="form"))
    return await come


@feature("modal")
async def _(a, ready):
    return await ask(await ping(a, ready), discord.TextStyle.short)


@feature("modal of a button")
async def _(a, ready):
    _, pressed = await offer(a, ready, button())
    return await ask(await pressed, discord.TextStyle.paragraph)


@feature("modal with a select")
async def _(a, ready):
    if not hasattr(ui, "Label"):
        raise Cannot("has text inputs in modals only")
    come = coming()

    class Form(ui.Modal, title="form"):
        pick = ui.Label(text="pick", component=ui.Select(custom_id="pick", options=[discord.SelectOption(label=n) for n in "ab"]))

        async def on_submit(self, submitted):
            await submitted.response.send_message("thanks")
            come.set_result({"values": self.pick.component.values})

    await (await ping(a, ready)).response.send_modal(Form(custom_id="form"))
    return await come
