"""The ping bot on discord.py, put together as in its quickstart."""
import os
import time

import discord
import yarl

SENDS = 130

api = os.environ["DISCORD_API_URL"]
discord.http.Route.BASE = api
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(api.split("/api/")[0].replace("http", "ws", 1) + "/")

intents = discord.Intents.none()
intents.guilds = True
intents.members = True
intents.guild_messages = True
intents.message_content = True
client = discord.Client(intents=intents)


@client.event
async def on_message(message):
    if message.content == "!ping":
        await message.reply("pong")
    elif message.content == "!block":
        time.sleep(int(os.environ["PING_BLOCK_MS"]) / 1000)
    elif message.content == "!sends":
        for _ in range(SENDS):
            client.loop.create_task(message.guild.change_voice_state(channel=None))


client.run(os.environ["DISCORD_TOKEN"])
