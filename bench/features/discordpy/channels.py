"""Threads, channels, invites and webhooks."""
import io

import discord
from here import expect, image
import here
from talk import Cannot, cannot, feature


def named(thing):
    return {"id": str(thing.id), "name": thing.name}


@feature("thread of a message")
async def _(a, ready):
    return named(await (await a.message()).create_thread(name="talk"))


@feature("thread create")
async def _(a, ready):
    return named(await a.channel().create_thread(name="talk", type=discord.ChannelType.public_thread))


@feature("private thread")
async def _(a, ready):
    return named(await a.channel().create_thread(name="talk", type=discord.ChannelType.private_thread))


@feature("forum post")
async def _(a, ready):
    return named((await a.channel("forum").create_thread(name="question", content="how?")).thread)


@feature("forum tags")
async def _(a, ready):
    forum = a.channel("forum")
    tag = forum.get_tag(a.id("tag")) or discord.Object(a.id("tag"))
    return named((await forum.create_thread(name="question", content="how?", applied_tags=[tag])).thread)


@feature("thread message")
async def _(a, ready):
    return {"id": str((await (await a.thread()).send("hello")).id)}


def change_thread(name, /, **change):
    @feature(name)
    async def _(a, ready):
        await (await a.thread()).edit(**change)


change_thread("thread archive", archived=True)
change_thread("thread unarchive", archived=False)
change_thread("thread lock", locked=True)
change_thread("thread edit", name="chat", slowmode_delay=10)


@feature("thread delete")
async def _(a, ready):
    await (await a.thread()).delete()


@feature("thread join")
async def _(a, ready):
    await (await a.thread()).join()


@feature("thread leave")
async def _(a, ready):
    await (await a.thread()).leave()


@feature("thread member add")
async def _(a, ready):
    await (await a.thread()).add_user(discord.Object(a.id("person")))


@feature("thread member remove")
async def _(a, ready):
    await (await a.thread()).remove_user(discord.Object(a.id("person")))


@feature("thread members")
async def _(a, ready):
    return {"ids": sorted(str(m.id) for m in await (await a.thread()).fetch_members())}


@feature("active threads")
async def _(a, ready):
    return {"names": [t.name for t in await a.guild.active_threads()]}


@feature("archived threads")
async def _(a, ready):
    return {"names": [t.name async for t in a.channel().archived_threads()]}


@feature("private archived threads")
async def _(a, ready):
    return {"names": [t.name async for t in a.channel().archived_threads(private=True)]}


def of_guild(a):
    return lambda thing, *_: thing.guild.id == a.id("guild")


def new_thread(name):
    @feature(name)
    async def _(a, ready):
        event = expect("thread_create", of_guild(a))
        ready()
        thread = await event
        return {"name": thread.name, "owner": str(thread.owner_id)}


new_thread("thread create event")
new_thread("person's thread")


@feature("thread update event")
async def _(a, ready):
    event = expect("raw_thread_update", lambda p: p.guild_id == a.id("guild"))
    ready()
    return {"archived": (await event).data["thread_metadata"]["archived"]}


@feature("thread delete event")
async def _(a, ready):
    event = expect("raw_thread_delete", lambda p: p.guild_id == a.id("guild"))
    ready()
    return {"id": str((await event).thread_id)}


@feature("thread members event")
async def _(a, ready):
    event = expect("thread_member_join", lambda m: m.thread.guild.id == a.id("guild"))
    ready()
    return {"user": str((await event).id)}


# Channels.

@feature("text channel")
async def _(a, ready):
    return named(await a.guild.create_text_channel("workshop", topic="tools", category=a.channel("category")))


@feature("voice channel")
async def _(a, ready):
    return named(await a.guild.create_voice_channel("workshop", user_limit=5))


@feature("category channel")
async def _(a, ready):
    return named(await a.guild.create_category("workshop"))


@feature("announcement channel")
async def _(a, ready):
    channel = await a.guild.create_text_channel("workshop", **({"news": True} if discord.version_info >= (2, 1) else {}))
    return named(channel)


@feature("stage channel")
async def _(a, ready):
    return named(await a.guild.create_stage_channel("workshop"))


@feature("forum channel")
async def _(a, ready):
    return named(await a.guild.create_forum("workshop", available_tags=[discord.ForumTag(name="help")]))


@feature("private channel")
async def _(a, ready):
    overwrites = {
        a.guild.default_role: discord.PermissionOverwrite(view_channel=False),
        await a.member(): discord.PermissionOverwrite(view_channel=True),
        await a.member("inspector"): discord.PermissionOverwrite(view_channel=True),
    }
    return named(await a.guild.create_text_channel("workshop", overwrites=overwrites))


@feature("channel fetch")
async def _(a, ready):
    return named(await here.client.fetch_channel(a.id("channel")))


@feature("channel list")
async def _(a, ready):
    return {"count": len(await a.guild.fetch_channels())}


@feature("channel edit")
async def _(a, ready):
    return named(await a.channel().edit(name="lobby", topic="talk", slowmode_delay=5))


@feature("channel delete")
async def _(a, ready):
    await a.channel().delete()


@feature("overwrite")
async def _(a, ready):
    await a.channel().set_permissions(a.role(), send_messages=False)


@feature("overwrite delete")
async def _(a, ready):
    await a.channel().set_permissions(a.role(), overwrite=None)


cannot("moves a channel among those of its own kind", "channel order")


def channel_event(name, event):
    @feature(name)
    async def _(a, ready):
        come = expect(event, of_guild(a))
        ready()
        got = await come
        return named(got[-1] if isinstance(got, tuple) else got)


channel_event("channel create event", "guild_channel_create")
channel_event("channel update event", "guild_channel_update")
channel_event("channel delete event", "guild_channel_delete")


# Invites.

@feature("invite create")
async def _(a, ready):
    return {"code": (await a.channel().create_invite(max_age=3600, max_uses=5)).code}


@feature("invite fetch")
async def _(a, ready):
    invite = await here.client.fetch_invite(a["code"], with_counts=True)
    return {"guild": str(invite.guild.id), "members": invite.approximate_member_count}


@feature("channel invites")
async def _(a, ready):
    return {"codes": [i.code for i in await a.channel().invites()]}


@feature("guild invites")
async def _(a, ready):
    return {"codes": [i.code for i in await a.guild.invites()]}


@feature("invite delete")
async def _(a, ready):
    await here.client.delete_invite(a["code"])


def invite_event(name, event):
    @feature(name)
    async def _(a, ready):
        come = expect(event, of_guild(a))
        ready()
        return {"code": (await come).code}


invite_event("invite create event", "invite_create")
invite_event("invite delete event", "invite_delete")


# Webhooks.

async def webhook(a):
    return await here.client.fetch_webhook(a.id("webhook"))


def by_token(a):
    return discord.Webhook.partial(a.id("webhook"), a["token"], session=here.client.http._HTTPClient__session)


@feature("webhook create")
async def _(a, ready):
    return named(await a.channel().create_webhook(name="herald"))


@feature("channel webhooks")
async def _(a, ready):
    return {"names": [w.name for w in await a.channel().webhooks()]}


@feature("guild webhooks")
async def _(a, ready):
    return {"names": [w.name for w in await a.guild.webhooks()]}


@feature("webhook fetch")
async def _(a, ready):
    return named(await by_token(a).fetch(prefer_auth=False))


@feature("webhook edit")
async def _(a, ready):
    await (await webhook(a)).edit(name="crier")


@feature("webhook delete")
async def _(a, ready):
    await (await webhook(a)).delete()


@feature("webhook execute")
async def _(a, ready):
    message = await by_token(a).send("hear", username="the crier", embed=discord.Embed(title="Title"), wait=True)
    return {"id": str(message.id)}


@feature("webhook file")
async def _(a, ready):
    message = await by_token(a).send(file=discord.File(io.BytesIO(b"some notes"), "notes.txt"), wait=True)
    return {"id": str(message.id)}


@feature("webhook in a thread")
async def _(a, ready):
    message = await by_token(a).send("hear", thread=discord.Object(a.id("thread")), wait=True)
    return {"id": str(message.id)}


@feature("webhook message fetch")
async def _(a, ready):
    return {"content": (await by_token(a).fetch_message(a.id("message"))).content}


@feature("webhook message edit")
async def _(a, ready):
    await by_token(a).edit_message(a.id("message"), content="changed")


@feature("webhook message delete")
async def _(a, ready):
    await by_token(a).delete_message(a.id("message"))


@feature("webhooks event")
async def _(a, ready):
    event = expect("webhooks_update", of_guild(a))
    ready()
    return {"channel": str((await event).id)}
