"""Messages, their events, reactions and polls."""
import asyncio
import datetime
import inspect
import io

import discord
from here import expect, image, needs
import here
from talk import Cannot, cannot, feature


def sent(message):
    return {"id": str(message.id), "content": message.content}


def on_message(a, event="message", channel="channel"):
    return expect(event, lambda m: m.channel.id == a.id(channel))


@feature("message create")
async def _(a, ready):
    return sent(await a.channel().send("hello"))


@feature("message reply")
async def _(a, ready):
    return sent(await (await a.message()).reply("hello"))


@feature("message reply without a ping")
async def _(a, ready):
    return sent(await (await a.message()).reply("hello", mention_author=False))


@feature("message forward")
async def _(a, ready):
    needs(discord.Message, "forward")
    return sent(await (await a.message()).forward(a.channel("news")))


@feature("message with a nonce")
async def _(a, ready):
    if "enforce_nonce" not in inspect.getsource(discord.http.handle_message_parameters):
        raise Cannot("has no enforce_nonce")
    first = await a.channel().send("hello", nonce="7")
    return {"id": str(first.id), "again": str((await a.channel().send("hello", nonce="7")).id)}


@feature("silent message")
async def _(a, ready):
    return sent(await a.channel().send("hello", silent=True))


@feature("allowed mentions")
async def _(a, ready):
    allowed = discord.AllowedMentions(users=[discord.Object(a.id("person"))])
    return sent(await a.channel().send(f"<@{a['person']}> <@{a['other']}>", allowed_mentions=allowed))


@feature("role mention")
async def _(a, ready):
    return sent(await a.channel().send(f"<@&{a['role']}>", allowed_mentions=discord.AllowedMentions(roles=True)))


@feature("embed")
async def _(a, ready):
    embed = discord.Embed(title="Title", description="text", colour=0x112233)
    embed.add_field(name="a", value="b").set_footer(text="foot").set_author(name="me")
    message = await a.channel().send(embed=embed)
    return {"id": str(message.id), "title": message.embeds[0].title}


@feature("attachment upload")
async def _(a, ready):
    message = await a.channel().send(file=discord.File(io.BytesIO(b"some notes"), "notes.txt", description="my notes"))
    attachment = message.attachments[0]
    return {"id": str(message.id), "name": attachment.filename, "size": attachment.size}


@feature("attachment download")
async def _(a, ready):
    return {"text": (await (await a.message()).attachments[0].read()).decode()}


@feature("attachment in an embed")
async def _(a, ready):
    embed = discord.Embed().set_image(url="attachment://picture.png")
    message = await a.channel().send(embed=embed, file=discord.File(io.BytesIO(b"picture"), "picture.png"))
    return {"id": str(message.id), "url": message.embeds[0].image.url}


@feature("attachment edit")
async def _(a, ready):
    message = await a.channel().send(file=discord.File(io.BytesIO(b"a"), "a.txt"))
    return sent(await message.edit(attachments=[discord.File(io.BytesIO(b"b"), "b.txt")]))


@feature("message edit")
async def _(a, ready):
    return sent(await (await a.channel().send("hello")).edit(content="changed"))


@feature("suppress embeds")
async def _(a, ready):
    return sent(await (await a.channel().send(embed=discord.Embed(title="Title"))).edit(suppress=True))


@feature("message delete")
async def _(a, ready):
    message = await a.channel().send("hello")
    await message.delete()
    return sent(message)


@feature("bulk delete")
async def _(a, ready):
    messages = [m async for m in a.channel().history()]
    await a.channel().delete_messages(messages)
    return {"count": len(messages)}


@feature("message fetch")
async def _(a, ready):
    message = await a.message()
    return {"content": message.content, "author": str(message.author.id)}


@feature("message history")
async def _(a, ready):
    last = [m async for m in a.channel().history(limit=3)]
    before = [m async for m in a.channel().history(limit=2, before=last[2])]
    return {"contents": [m.content for m in last + before]}


cannot("has no search", "message search")


@feature("crosspost")
async def _(a, ready):
    message = await a.channel("news").send("news")
    await message.publish()
    return sent(message)


@feature("follow announcements")
async def _(a, ready):
    return {"id": str((await a.channel("news").follow(destination=a.channel())).id)}


@feature("pin")
async def _(a, ready):
    await (await a.message()).pin()


@feature("unpin")
async def _(a, ready):
    await (await a.message()).unpin()


@feature("list pins")
async def _(a, ready):
    pins = a.channel().pins()
    found = [m async for m in pins] if hasattr(pins, "__aiter__") else await pins
    return {"ids": [str(m.id) for m in found]}


@feature("typing")
async def _(a, ready):
    await a.channel().typing()


@feature("components v2")
async def _(a, ready):
    needs(discord.ui, "LayoutView", "has no components v2")
    view = discord.ui.LayoutView()
    side = discord.ui.Section("side", accessory=discord.ui.Button(label="b", custom_id="b"))
    view.add_item(discord.ui.Container(discord.ui.TextDisplay("hello"), discord.ui.Separator(), side))
    return {"id": str((await a.channel().send(view=view)).id)}


@feature("rate limit")
async def _(a, ready):
    return {"count": len(await asyncio.gather(*(a.channel().send(str(n)) for n in range(7))))}


# What people do.

@feature("message event")
async def _(a, ready):
    event = on_message(a)
    ready()
    message = await event
    return {"content": message.content, "author": str(message.author.id)}


@feature("mention event")
async def _(a, ready):
    event = on_message(a)
    ready()
    return {"mentions": [str(u.id) for u in (await event).mentions]}


@feature("reply event")
async def _(a, ready):
    asked = await a.channel().send("ask me")
    event = expect("message", lambda m: m.channel.id == a.id("channel") and m.reference)
    ready(id=str(asked.id))
    message = await event
    return {"id": str(message.reference.resolved.id), "content": message.content}


@feature("message edit event")
async def _(a, ready):
    event = expect("raw_message_edit", lambda p: p.channel_id == a.id("channel"))
    ready()
    payload = await event
    return {"id": str(payload.message_id), "content": payload.data["content"]}


@feature("message delete event")
async def _(a, ready):
    event = expect("raw_message_delete", lambda p: p.channel_id == a.id("channel"))
    ready()
    return {"id": str((await event).message_id)}


@feature("bulk delete event")
async def _(a, ready):
    event = expect("raw_bulk_message_delete", lambda p: p.channel_id == a.id("channel"))
    ready()
    return {"count": len((await event).message_ids)}


@feature("pins event")
async def _(a, ready):
    event = expect("guild_channel_pins_update", lambda ch, _: ch.id == a.id("channel"))
    ready()
    return {"channel": str((await event)[0].id)}


@feature("typing event")
async def _(a, ready):
    event = expect("raw_typing", lambda p: p.channel_id == a.id("channel"))
    ready()
    return {"user": str((await event).user_id)}


@feature("attachment event")
async def _(a, ready):
    event = on_message(a)
    ready()
    return {"name": (await event).attachments[0].filename}


@feature("webhook message event")
async def _(a, ready):
    event = on_message(a)
    ready()
    message = await event
    return {"content": message.content, "webhook": str(message.webhook_id)}


@feature("crosspost event")
async def _(a, ready):
    event = expect("raw_message_edit", lambda p: p.channel_id == a.id("news"))
    ready()
    payload = await event
    return {"id": str(payload.message_id), "flags": payload.data["flags"]}


# Reactions.

THUMB = "👍"


def about(a):
    return lambda p: p.message_id == a.id("message")


@feature("reaction add")
async def _(a, ready):
    await (await a.message()).add_reaction(THUMB)


@feature("custom emoji reaction")
async def _(a, ready):
    await (await a.message()).add_reaction(discord.PartialEmoji(name="smile", id=a.id("emoji")))


@feature("reaction remove")
async def _(a, ready):
    message = await a.message()
    await message.add_reaction(THUMB)
    await message.remove_reaction(THUMB, here.client.user)


@feature("reaction of another")
async def _(a, ready):
    await (await a.message()).remove_reaction(THUMB, discord.Object(a.id("person")))


@feature("reactions of an emoji")
async def _(a, ready):
    await (await a.message()).clear_reaction(THUMB)


@feature("reactions clear")
async def _(a, ready):
    await (await a.message()).clear_reactions()


@feature("reaction list")
async def _(a, ready):
    return {"ids": [str(u.id) async for u in (await a.message()).reactions[0].users()]}


def reaction_event(name, event):
    @feature(name)
    async def _(a, ready):
        come = expect(event, about(a))
        ready()
        payload = await come
        data = {"id": str(payload.message_id)}
        if hasattr(payload, "emoji"):
            data["emoji"] = payload.emoji.name
        if hasattr(payload, "user_id"):
            data["user"] = str(payload.user_id)
        return data


reaction_event("reaction add event", "raw_reaction_add")
reaction_event("reaction remove event", "raw_reaction_remove")
reaction_event("reactions of an emoji event", "raw_reaction_clear_emoji")
reaction_event("reactions clear event", "raw_reaction_clear")


# Polls.

def polls():
    needs(discord, "Poll", "has no polls")


@feature("poll create")
async def _(a, ready):
    polls()
    poll = discord.Poll("Tea?", datetime.timedelta(hours=2))
    poll.add_answer(text="yes", emoji="🍵").add_answer(text="no")
    return sent(await a.channel().send(poll=poll))


def poll_event(name, event):
    @feature(name)
    async def _(a, ready):
        polls()
        come = expect(event, about(a))
        ready()
        payload = await come
        return {"user": str(payload.user_id), "answer": payload.answer_id}


poll_event("poll vote event", "raw_poll_vote_add")
poll_event("poll unvote event", "raw_poll_vote_remove")


@feature("poll voters")
async def _(a, ready):
    polls()
    return {"ids": [str(u.id) async for u in (await a.message()).poll.answers[0].voters()]}


@feature("poll end")
async def _(a, ready):
    polls()
    await (await a.message()).poll.end()


@feature("poll results")
async def _(a, ready):
    polls()
    return {"votes": (await a.message()).poll.answers[0].vote_count}
