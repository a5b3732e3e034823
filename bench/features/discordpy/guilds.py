"""Guilds, roles, emojis, stickers, sounds, scheduled events and auto-moderation."""
import datetime
import io

import discord
from here import expect, image, needs
import here
from talk import Cannot, cannot, feature


def named(thing):
    return {"id": str(thing.id), "name": thing.name}


def names(things):
    return {"names": [t.name for t in things]}


def of_guild(a):
    return lambda thing, *_: getattr(thing, "guild", thing).id == a.id("guild")


def told(name, event, what=named, check=of_guild):
    """A feature that waits for an event and says what came last in it."""

    @feature(name)
    async def _(a, ready):
        come = expect(event, check(a))
        ready()
        got = await come
        return what(got[-1] if isinstance(got, tuple) else got)


@feature("guild fetch")
async def _(a, ready):
    guild = await here.client.fetch_guild(a.id("guild"), with_counts=True)
    return {"name": guild.name, "members": guild.approximate_member_count}


@feature("guild list")
async def _(a, ready):
    return {"found": a.id("guild") in [g.id async for g in here.client.fetch_guilds()]}


@feature("guild edit")
async def _(a, ready):
    return named(await a.guild.edit(name="hall", verification_level=discord.VerificationLevel.medium))


@feature("guild icon")
async def _(a, ready):
    return {"icon": (await a.guild.edit(icon=image(a["picture"]))).icon.key}


@feature("guild preview")
async def _(a, ready):
    return named(await needs(here.client, "fetch_guild_preview", "has no guild preview")(a.id("guild")))


told("guild update event", "guild_update")


@feature("widget")
async def _(a, ready):
    await a.guild.edit_widget(enabled=True, channel=a.channel())
    data = await here.client.http.request(discord.http.Route("GET", "/guilds/{id}/widget", id=a.id("guild")))
    return {"enabled": data["enabled"], "channel": data["channel_id"]}


@feature("welcome screen")
async def _(a, ready):
    await a.guild.edit_welcome_screen(description="hello", enabled=True)
    return {"description": (await a.guild.welcome_screen()).description}


@feature("onboarding")
async def _(a, ready):
    return {"enabled": (await needs(a.guild, "onboarding", "has no onboarding")()).enabled}


@feature("template")
async def _(a, ready):
    await a.guild.create_template(name="plan")
    return {"name": (await a.guild.templates())[0].name}


@feature("integrations")
async def _(a, ready):
    return {"names": sorted(i.name for i in await a.guild.integrations())}


@feature("prune")
async def _(a, ready):
    count = await a.guild.estimate_pruned_members(days=7)
    return {"count": count, "pruned": await a.guild.prune_members(days=7)}


@feature("audit log")
async def _(a, ready):
    entry = [e async for e in a.guild.audit_logs(limit=1, action=discord.AuditLogAction.role_create)][0]
    return {"action": entry.action.value, "user": str(entry.user.id), "target": str(entry.target.id), "reason": entry.reason}


@feature("audit log reason")
async def _(a, ready):
    await a.role().edit(name="sculptors", reason="art")


@feature("audit log event")
async def _(a, ready):
    event = expect("audit_log_entry_create", lambda e: e.guild.id == a.id("guild"))
    ready()
    entry = await event
    return {"action": entry.action.value, "user": str(entry.user_id)}


@feature("leave")
async def _(a, ready):
    await a.guild.leave()


# Roles.

@feature("role create")
async def _(a, ready):
    permissions = discord.Permissions(kick_members=True)
    return named(await a.guild.create_role(name="blue", colour=0x0000FF, hoist=True, permissions=permissions))


@feature("role gradient")
async def _(a, ready):
    import inspect

    if "secondary_colour" not in inspect.signature(a.guild.create_role).parameters:
        raise Cannot("has one colour")
    return named(await a.guild.create_role(name="blue", colour=0x0000FF, secondary_colour=None))


@feature("role edit")
async def _(a, ready):
    await a.role().edit(name="sculptors", mentionable=True)


@feature("role delete")
async def _(a, ready):
    await a.role().delete()


@feature("role order")
async def _(a, ready):
    await a.role().edit(position=2)


@feature("role list")
async def _(a, ready):
    return {"count": len(await a.guild.fetch_roles())}


@feature("role fetch")
async def _(a, ready):
    return named(await needs(a.guild, "fetch_role")(a.id("role")))


@feature("role icon")
async def _(a, ready):
    await a.role().edit(display_icon="🎨")


told("role create event", "guild_role_create")
told("role update event", "guild_role_update")
told("role delete event", "guild_role_delete")


# Emojis, stickers and sounds.

@feature("emoji create")
async def _(a, ready):
    return named(await a.guild.create_custom_emoji(name="wave", image=image(a["picture"])))


@feature("emoji list")
async def _(a, ready):
    return names(await a.guild.fetch_emojis())


@feature("emoji edit")
async def _(a, ready):
    await (await a.guild.fetch_emoji(a.id("emoji"))).edit(name="grin")


@feature("emoji delete")
async def _(a, ready):
    await a.guild.delete_emoji(discord.Object(a.id("emoji")))


@feature("emojis event")
async def _(a, ready):
    event = expect("guild_emojis_update", lambda g, b, n: g.id == a.id("guild"))
    ready()
    return named((await event)[2][-1])


@feature("application emoji")
async def _(a, ready):
    made = await needs(here.client, "create_application_emoji", "has no application emojis")(name="mark", image=image(a["picture"]))
    found = await here.client.fetch_application_emojis()
    await made.delete()
    return {"id": str(made.id), **names(found)}


@feature("sticker create")
async def _(a, ready):
    file = discord.File(io.BytesIO(image(a["picture"])), "hello.png")
    return named(await a.guild.create_sticker(name="hello", description="waves", emoji="wave", file=file))


@feature("sticker list")
async def _(a, ready):
    return names(await a.guild.fetch_stickers())


@feature("sticker edit")
async def _(a, ready):
    await (await a.guild.fetch_sticker(a.id("sticker"))).edit(name="bye")


@feature("sticker delete")
async def _(a, ready):
    await a.guild.delete_sticker(discord.Object(a.id("sticker")))


@feature("sticker send")
async def _(a, ready):
    return {"id": str((await a.channel().send(stickers=[discord.Object(a.id("sticker"))])).id)}


@feature("sticker packs")
async def _(a, ready):
    return {"count": len(await here.client.fetch_premium_sticker_packs())}


@feature("stickers event")
async def _(a, ready):
    event = expect("guild_stickers_update", lambda g, b, n: g.id == a.id("guild"))
    ready()
    return named((await event)[2][-1])


def sounds():
    needs(discord, "SoundboardSound", "has no soundboard")


@feature("sound create")
async def _(a, ready):
    sounds()
    return named(await a.guild.create_soundboard_sound(name="bang", sound=image(a["sound_file"])))


@feature("sound list")
async def _(a, ready):
    sounds()
    return names(await a.guild.fetch_soundboard_sounds())


@feature("sound edit")
async def _(a, ready):
    sounds()
    await (await a.guild.fetch_soundboard_sound(a.id("sound"))).edit(name="puff")


@feature("sound delete")
async def _(a, ready):
    sounds()
    await (await a.guild.fetch_soundboard_sound(a.id("sound"))).delete()


@feature("default sounds")
async def _(a, ready):
    sounds()
    return {"count": len(await here.client.fetch_soundboard_default_sounds())}


@feature("sounds event")
async def _(a, ready):
    sounds()
    event = expect("soundboard_sound_create", of_guild(a))
    ready()
    return named(await event)


cannot("has no request of sounds", "request sounds")


# Scheduled events.

def tomorrow():
    return discord.utils.utcnow() + datetime.timedelta(days=1)


async def scheduled(a):
    return await a.guild.fetch_scheduled_event(a.id("event"))


@feature("event create")
async def _(a, ready):
    start = tomorrow()
    return named(
        await a.guild.create_scheduled_event(
            name="party", start_time=start, end_time=start + datetime.timedelta(hours=1), location="park",
            entity_type=discord.EntityType.external, privacy_level=discord.PrivacyLevel.guild_only,
        )
    )


@feature("event in voice")
async def _(a, ready):
    return named(
        await a.guild.create_scheduled_event(
            name="party", start_time=tomorrow(), channel=a.channel("voice"), entity_type=discord.EntityType.voice, privacy_level=discord.PrivacyLevel.guild_only,
        )
    )


@feature("event fetch")
async def _(a, ready):
    return named(await scheduled(a))


@feature("event list")
async def _(a, ready):
    return names(await a.guild.fetch_scheduled_events())


@feature("event edit")
async def _(a, ready):
    await (await scheduled(a)).edit(name="ball")


@feature("event start")
async def _(a, ready):
    await (await scheduled(a)).start()


@feature("event delete")
async def _(a, ready):
    await (await scheduled(a)).delete()


@feature("event users")
async def _(a, ready):
    return {"ids": [str(u.id) async for u in (await scheduled(a)).users()]}


told("event create event", "scheduled_event_create")
told("event update event", "scheduled_event_update")
told("event delete event", "scheduled_event_delete")


def event_user(name, event):
    @feature(name)
    async def _(a, ready):
        await a.guild.chunk()  # without the member in its cache there is no event
        come = expect(event, of_guild(a))
        ready()
        return {"user": str((await come)[1].id)}


event_user("event user add event", "scheduled_event_user_add")
event_user("event user remove event", "scheduled_event_user_remove")


# Auto-moderation.

async def rule(a):
    return await a.guild.fetch_automod_rule(a.id("rule"))


@feature("rule create")
async def _(a, ready):
    block = discord.AutoModRuleAction() if discord.version_info < (2, 3) else discord.AutoModRuleAction(type=discord.AutoModRuleActionType.block_message)
    return named(
        await a.guild.create_automod_rule(
            name="manners", event_type=discord.AutoModRuleEventType.message_send, trigger=discord.AutoModTrigger(keyword_filter=["darn"]), actions=[block], enabled=True,
        )
    )


@feature("rule fetch")
async def _(a, ready):
    return named(await rule(a))


@feature("rule list")
async def _(a, ready):
    return names(await a.guild.fetch_automod_rules())


@feature("rule edit")
async def _(a, ready):
    await (await rule(a)).edit(name="tone", enabled=False)


@feature("rule delete")
async def _(a, ready):
    await (await rule(a)).delete()


told("rule create event", "automod_rule_create")
told("rule update event", "automod_rule_update")
told("rule delete event", "automod_rule_delete")


@feature("rule acts")
async def _(a, ready):
    event = expect("automod_action", lambda e: e.guild_id == a.id("guild"))
    ready()
    acted = await event
    return {"rule": str(acted.rule_id), "user": str(acted.user_id), "keyword": acted.matched_keyword}
