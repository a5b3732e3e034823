"""Tries the features on discord.py; ../doc.go says how."""
import asyncio

import here
import talk
import messages, channels, guilds, members, account, interactions  # noqa: F401, E401: each adds its features

asyncio.run(talk.run(here.connect, here.Args, here.close))
