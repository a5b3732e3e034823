"""The gateway, members, voice and stages."""
import asyncio
import datetime

import discord
from here import expect, image, needs
from guilds import named, of_guild, told
import here
from talk import Cannot, cannot, feature


def ids(things):
    return {"ids": sorted(str(t.id) for t in things)}


@feature("presence")
async def _(a, ready):
    await here.client.change_presence(status=discord.Status.dnd, activity=discord.Game("chess"))


@feature("custom status")
async def _(a, ready):
    if not hasattr(discord.CustomActivity("x"), "to_dict") or "state" not in discord.CustomActivity("x").to_dict():
        raise Cannot("sends custom statuses without their text")
    await here.client.change_presence(status=discord.Status.idle, activity=discord.CustomActivity("thinking"))


@feature("guild in the cache")
async def _(a, ready):
    return {"name": a.guild.name, "channels": len(a.guild.channels), "owner": str(a.guild.owner_id)}


@feature("all members")
async def _(a, ready):
    return ids(await a.guild.chunk())


@feature("members by name")
async def _(a, ready):
    return ids(await a.guild.query_members("person", limit=10))


@feature("members by id")
async def _(a, ready):
    return ids(await a.guild.query_members(user_ids=[a.id("person"), a.id("other")]))


told("join a guild", "guild_join", check=lambda a: lambda g: True)
told("leave a guild", "guild_remove")


@feature("guild outage")
async def _(a, ready):
    gone, back = expect("guild_unavailable", of_guild(a)), expect("guild_available", of_guild(a))
    ready()
    await gone
    return named(await back)


@feature("resume")
async def _(a, ready):
    event = expect("message", lambda m: m.channel.id == a.id("channel"))
    ready()
    return {"content": (await event).content}


# Members.

@feature("member fetch")
async def _(a, ready):
    member = await a.guild.fetch_member(a.id("person"))
    return {"name": member.name, "joined": member.joined_at is not None}


@feature("member list")
async def _(a, ready):
    return {"count": len([m async for m in a.guild.fetch_members(limit=None)])}


cannot("has no search over REST", "member search")


@feature("nickname")
async def _(a, ready):
    await (await a.member()).edit(nick="Pat")


@feature("role give")
async def _(a, ready):
    await (await a.member()).add_roles(a.role())


@feature("role take")
async def _(a, ready):
    await (await a.member()).remove_roles(a.role())


@feature("roles set")
async def _(a, ready):
    await (await a.member()).edit(roles=[a.role()])


@feature("timeout")
async def _(a, ready):
    until = discord.utils.utcnow() + datetime.timedelta(hours=1)
    member = await a.member()
    await member.timeout(until)
    return {"until": int((await a.guild.fetch_member(member.id)).timed_out_until.timestamp())}


@feature("timeout end")
async def _(a, ready):
    await (await a.member()).timeout(None)


@feature("kick")
async def _(a, ready):
    await a.guild.kick(discord.Object(a.id("person")), reason="spam")


@feature("ban")
async def _(a, ready):
    await a.guild.ban(discord.Object(a.id("person")), reason="spam", delete_message_seconds=3600)


@feature("unban")
async def _(a, ready):
    await a.guild.unban(discord.Object(a.id("person")))


@feature("bulk ban")
async def _(a, ready):
    result = await needs(a.guild, "bulk_ban")([discord.Object(a.id("person")), discord.Object(a.id("other"))])
    return {"banned": [str(u.id) for u in result.banned]}


@feature("ban list")
async def _(a, ready):
    return {"ids": [str(b.user.id) async for b in a.guild.bans()]}


@feature("ban fetch")
async def _(a, ready):
    return {"id": str((await a.guild.fetch_ban(discord.Object(a.id("person")))).user.id)}


@feature("own nickname")
async def _(a, ready):
    await a.guild.me.edit(nick="Robo")


cannot("has no avatar and bio of a guild", "own guild profile")


@feature("member join event")
async def _(a, ready):
    event = expect("member_join", of_guild(a))
    ready()
    return named(await event)


@feature("member leave event")
async def _(a, ready):
    event = expect("raw_member_remove", lambda p: p.guild_id == a.id("guild"))
    ready()
    return {"id": str((await event).user.id)}


@feature("member update event")
async def _(a, ready):
    await a.guild.chunk()  # without the member in its cache there is no event
    event = expect("member_update", of_guild(a))
    ready()
    member = (await event)[1]
    return {"id": str(member.id), "nick": member.nick}


def ban_event(name, event):
    @feature(name)
    async def _(a, ready):
        come = expect(event, of_guild(a))
        ready()
        return {"id": str((await come)[1].id)}


ban_event("ban event", "member_ban")
ban_event("unban event", "member_unban")


cannot("leaves out what means nothing in a text channel", "permissions of a member")


@feature("permissions while timed out")
async def _(a, ready):
    if discord.Permissions.all().value < 1 << 49:
        raise Cannot("leaves permissions that it does not know")
    return {"permissions": str(a.channel().permissions_for(await a.guild.fetch_member(a.id("person"))).value)}


# Voice and stages.

def own_voice(a, where):
    return expect("voice_state_update", lambda m, b, s: m.id == here.client.user.id and m.guild.id == a.id("guild") and bool(s.channel) == where)


async def join(a, **how):
    moved = own_voice(a, True)
    await a.guild.change_voice_state(channel=a.channel("voice"), **how)
    return (await moved)[2]


@feature("voice join")
async def _(a, ready):
    return {"channel": str((await join(a, self_mute=True, self_deaf=True)).channel.id)}


@feature("voice leave")
async def _(a, ready):
    await join(a)
    left = own_voice(a, False)
    await a.guild.change_voice_state(channel=None)
    await left


@feature("voice server event")
async def _(a, ready):
    told = asyncio.get_running_loop().create_future()

    class Protocol(discord.VoiceProtocol):
        async def on_voice_state_update(self, data):
            pass

        async def on_voice_server_update(self, data):
            told.set_result(data["guild_id"])

        async def connect(self, **_):
            await self.channel.guild.change_voice_state(channel=self.channel)

        async def disconnect(self, **_):
            self.cleanup()

    await a.channel("voice").connect(cls=Protocol)
    return {"guild": str(await told)}


@feature("voice join event")
async def _(a, ready):
    event = expect("voice_state_update", lambda m, b, s: m.id == a.id("person") and s.channel)
    ready()
    member, _, state = await event
    return {"user": str(member.id), "channel": str(state.channel.id)}


@feature("voice leave event")
async def _(a, ready):
    event = expect("voice_state_update", lambda m, b, s: m.id == a.id("person") and not s.channel)
    ready()
    return {"user": str((await event)[0].id)}


@feature("voice states in the cache")
async def _(a, ready):
    return {"ids": [str(i) for i in a.channel("voice").voice_states]}


@feature("voice state fetch")
async def _(a, ready):
    member = await a.member()
    return {"channel": str((await needs(member, "fetch_voice")()).channel.id)}


@feature("voice move")
async def _(a, ready):
    await (await a.member()).move_to(a.channel("stage"))


@feature("voice disconnect")
async def _(a, ready):
    await (await a.member()).move_to(None)


@feature("voice mute")
async def _(a, ready):
    await (await a.member()).edit(mute=True, deafen=True)


cannot("has no voice regions", "voice regions")


@feature("stage create")
async def _(a, ready):
    return {"id": str((await a.channel("stage").create_instance(topic="talk")).id)}


@feature("stage fetch")
async def _(a, ready):
    return {"topic": (await a.channel("stage").fetch_instance()).topic}


@feature("stage edit")
async def _(a, ready):
    await (await a.channel("stage").fetch_instance()).edit(topic="music")


@feature("stage delete")
async def _(a, ready):
    await (await a.channel("stage").fetch_instance()).delete()


told("stage event", "stage_instance_create", what=lambda s: {"topic": s.topic})


@feature("stage speaker")
async def _(a, ready):
    await (await a.member()).edit(suppress=False)


@feature("play a sound")
async def _(a, ready):
    needs(discord, "SoundboardSound", "has no soundboard")
    await join(a, self_deaf=False)
    await here.client.http.send_soundboard_sound(a.id("voice"), sound_id=1)
