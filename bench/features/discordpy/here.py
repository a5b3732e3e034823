"""The client, the ways it connects, and what the args name."""
import asyncio
import base64
import inspect
import logging
import os

import discord
import yarl
from discord import app_commands
from talk import Cannot

ORIGIN = os.environ["DISCORD_ORIGIN"]
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(ORIGIN.replace("http", "ws", 1))
discord.http.Route.BASE = ORIGIN + "/api/v10"

client = None
tree = None
running = None


async def connect(how):
    global client, tree, running
    discord.utils.setup_logging(level=logging.INFO)
    if how in ("without compression", "ETF encoding"):
        raise Cannot("has no setting for it")
    if how == "zstd-stream" and not hasattr(discord.utils, "_ZstdDecompressionContext"):
        raise Cannot("has zlib-stream only")
    kind = discord.AutoShardedClient if how == "two shards" else discord.Client
    client = kind(intents=discord.Intents.all(), chunk_guilds_at_startup=False)
    tree = app_commands.CommandTree(client)
    ready = asyncio.Event()

    @client.event
    async def on_ready():
        ready.set()

    await client.login(os.environ["DISCORD_TOKEN"])
    running = asyncio.create_task(client.connect())
    done = asyncio.create_task(ready.wait())
    await asyncio.wait({running, done}, return_when=asyncio.FIRST_COMPLETED)
    if not ready.is_set():
        running.result()
    if how == "two shards":
        return {"shards": client.shard_count}
    return {}


async def close():
    await client.close()


def expect(event, check=lambda *_: True):
    """The next event that fits, to be awaited once people have been told to begin."""
    return asyncio.ensure_future(client.wait_for(event, check=check))


def needs(thing, name, reason=None):
    if not hasattr(thing, name):
        raise Cannot(reason or f"has no {name}")
    return getattr(thing, name)


def image(uri):
    """The bytes of a data URI."""
    return base64.b64decode(uri.partition(",")[2])


class Args:
    """What the driver has sent: ids as numbers, and what they name from the client's cache."""

    def __init__(self, raw):
        self.raw = raw

    def __getitem__(self, name):
        return self.raw[name]

    def id(self, name):
        return int(self.raw[name])

    @property
    def guild(self):
        return client.get_guild(self.id("guild"))

    def channel(self, name="channel"):
        return client.get_channel(self.id(name)) or self.guild.get_channel_or_thread(self.id(name))

    async def thread(self):
        return self.guild.get_thread(self.id("thread")) or await client.fetch_channel(self.id("thread"))

    def role(self, name="role"):
        return self.guild.get_role(self.id(name))

    async def member(self, name="person"):
        return self.guild.get_member(self.id(name)) or await self.guild.fetch_member(self.id(name))

    async def message(self, name="message", channel="channel"):
        return await self.channel(channel).fetch_message(self.id(name))
