"""A plain bot on discord.py, put together as in its quickstart and its examples."""
import os

import discord
import yarl

api = os.environ["DISCORD_API_URL"]
discord.http.Route.BASE = api
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(api.split("/api/")[0].replace("http", "ws", 1) + "/")

intents = discord.Intents.default()
intents.message_content = True

client = discord.Client(intents=intents)
tree = discord.app_commands.CommandTree(client)


@client.event
async def on_ready():
    print(f"We have logged in as {client.user}")


@client.event
async def on_message(message):
    if message.content == "!ping":
        await message.reply("Pong!")


@tree.command(description="Says pong")
async def ping(interaction):
    await interaction.response.send_message("Pong!")


client.run(os.environ["DISCORD_TOKEN"])
