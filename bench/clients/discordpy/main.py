"""The bot on discord.py; doc.go says what it has to do."""
import os
import time

import discord, yarl

discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL("ws://127.0.0.1:8001/")
discord.http.Route.BASE = "http://127.0.0.1:8001/api/v10"

intents = discord.Intents.none()
intents.guilds = True
intents.guild_messages = True
intents.message_content = True
client = discord.Client(intents=intents)


def say(*words):
    print("BOT", *words, flush=True)


@client.event
async def on_ready():
    say("ready")
    say("guilds", sum(not guild.unavailable for guild in client.guilds))


@client.event
async def on_resumed():
    say("resumed")


@client.event
async def on_guild_join(guild):
    say("join", guild.name)


@client.event
async def on_guild_channel_create(channel):
    say("channel", channel.name)


@client.event
async def on_guild_channel_delete(channel):
    say("deleted", channel.name)


@client.event
async def on_message(message):
    if message.content == "!ping":
        await message.reply("pong")
    elif message.content == "!block":
        time.sleep(float(os.environ["BLOCK_SECONDS"]))
    elif message.content == "!channels":
        say("channels", *sorted(str(channel.id) for channel in client.get_all_channels()))
    elif message.content == "!busy":
        await client.change_presence(status=discord.Status.dnd, activity=discord.Game("busy"))


client.run(os.environ["DISCORD_TOKEN"])
