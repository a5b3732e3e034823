"""The account, the application and its commands, direct messages, errors, and what is sold."""
import asyncio

import discord
from discord import app_commands
from here import expect, image, needs
from guilds import named
import here
from talk import Cannot, cannot, feature


@feature("own user")
async def _(a, ready):
    me = await here.client.fetch_user(here.client.user.id)
    return {"id": str(me.id), "is_bot": me.bot}


@feature("own avatar")
async def _(a, ready):
    me = await here.client.user.edit(avatar=image(a["picture"]))
    return {"avatar": me.avatar.key}


@feature("own name")
async def _(a, ready):
    return {"name": (await here.client.user.edit(username="renamed")).name}


@feature("user fetch")
async def _(a, ready):
    return named(await here.client.fetch_user(a.id("person")))


cannot("tells of its own user by no event", "user update event")


@feature("presence event")
async def _(a, ready):
    await a.guild.chunk()  # without the member in its cache there is no event
    event = expect("presence_update", lambda b, m: m.id == a.id("person") and m.guild.id == a.id("guild"))
    ready()
    member = (await event)[1]
    return {"user": str(member.id), "status": str(member.status)}


@feature("application")
async def _(a, ready):
    app = await here.client.application_info()
    return {"id": str(app.id), "name": app.name, "owner": str(app.owner.id)}


@feature("application edit")
async def _(a, ready):
    app = await here.client.application_info()
    return {"description": (await needs(app, "edit")(description="paints")).description}


@feature("gateway information")
async def _(a, ready):
    answer = await here.client.http.get_bot_gateway()
    return {"shards": answer[0]}


cannot("has no role connections", "role connections")


# Commands.

def named_command(tree, name, description, guild=None):
    @tree.command(name=name, description=description, guild=guild)
    async def _(interaction: discord.Interaction):
        pass


@feature("guild command")
async def _(a, ready):
    here.tree.clear_commands(guild=a.guild)
    named_command(here.tree, "ping", "pong", a.guild)
    return {"id": str((await here.tree.sync(guild=a.guild))[0].id)}


@feature("global command")
async def _(a, ready):
    named_command(here.tree, "everywhere", "pong")
    await here.tree.sync()
    found = await here.tree.fetch_commands()
    here.tree.clear_commands(guild=None)
    await here.tree.sync()
    return {"names": [c.name for c in found]}


@feature("commands at once")
async def _(a, ready):
    here.tree.clear_commands(guild=a.guild)

    @here.tree.command(name="one", description="one", guild=a.guild)
    @app_commands.describe(text="text")
    @app_commands.choices(text=[app_commands.Choice(name="A", value="a"), app_commands.Choice(name="B", value="b")])
    async def _(interaction: discord.Interaction, text: app_commands.Choice[str]):
        pass

    named_command(here.tree, "two", "two", a.guild)
    return {"count": len(await here.tree.sync(guild=a.guild))}


@feature("command edit")
async def _(a, ready):
    here.tree.clear_commands(guild=a.guild)
    named_command(here.tree, "ping", "pong", a.guild)
    made = (await here.tree.sync(guild=a.guild))[0]
    return {"id": str((await made.edit(description="changed")).id)}


@feature("command delete")
async def _(a, ready):
    here.tree.clear_commands(guild=a.guild)
    named_command(here.tree, "ping", "pong", a.guild)
    await (await here.tree.sync(guild=a.guild))[0].delete()


@feature("command list")
async def _(a, ready):
    class German(app_commands.Translator):
        async def translate(self, string, locale, context):
            return {"ping": "pong", "gone": "los"}.get(str(string)) if locale is discord.Locale.german else None

    here.tree.clear_commands(guild=a.guild)
    named_command(here.tree, "ping", "gone", a.guild)
    await here.tree.set_translator(German())
    await here.tree.sync(guild=a.guild)
    await here.tree.set_translator(None)
    found = await here.tree.fetch_commands(guild=a.guild)
    if not found[0].name_localizations:
        raise Cannot("fetches commands without localizations")
    return {"names": [c.name for c in found], "german": found[0].name_localizations[discord.Locale.german]}


@feature("command permissions")
async def _(a, ready):
    raise Cannot("has those of one command only")


# Direct messages.

async def person(a):
    return here.client.get_user(a.id("person")) or await here.client.fetch_user(a.id("person"))


def direct(a, event="message"):
    return expect(event, lambda m: m.guild is None and m.author.id == a.id("person"))


@feature("direct message")
async def _(a, ready):
    message = await (await person(a)).send("hello")
    return {"id": str(message.id), "channel": str(message.channel.id)}


@feature("direct message event")
async def _(a, ready):
    event = direct(a)
    ready()
    message = await event
    return {"content": message.content, "direct": isinstance(message.channel, discord.DMChannel)}


@feature("direct message answer")
async def _(a, ready):
    event = direct(a)
    ready()
    answer = await (await event).reply("hello")
    return {"id": str(answer.id), "channel": str(answer.channel.id)}


@feature("direct message edit event")
async def _(a, ready):
    event = expect("raw_message_edit", lambda p: p.guild_id is None)
    ready()
    return {"content": (await event).data["content"]}


@feature("direct message reaction event")
async def _(a, ready):
    event = expect("raw_reaction_add", lambda p: p.guild_id is None and p.user_id == a.id("person"))
    ready()
    return {"emoji": (await event).emoji.name}


async def refused(doing):
    try:
        await doing
    except discord.HTTPException as error:
        return {"code": error.code, "status": error.status}
    raise Exception("it was not refused")


@feature("direct message refused")
async def _(a, ready):
    return await refused((await person(a)).send("hello"))


# Errors.

@feature("unknown message")
async def _(a, ready):
    return await refused(a.channel().fetch_message(1))


@feature("missing access")
async def _(a, ready):
    channel = here.client.get_partial_messageable(a.id("channel"), guild_id=a.id("guild"))

    async def read():
        return [m async for m in channel.history()]

    return await refused(read())


@feature("missing permissions")
async def _(a, ready):
    owner = await a.guild.fetch_member(a.guild.owner_id)
    return await refused(owner.edit(nick="Boss"))


@feature("invalid form")
async def _(a, ready):
    return await refused(a.channel().send(embed=discord.Embed(title="x" * 300)))


@feature("empty message")
async def _(a, ready):
    return await refused(a.channel().send(""))


# What is sold.

@feature("SKUs")
async def _(a, ready):
    return {"count": len(await needs(here.client, "fetch_skus", "has no SKUs")())}


@feature("entitlements")
async def _(a, ready):
    return {"count": len([e async for e in needs(here.client, "entitlements", "has no entitlements")()])}
