"""The protocol of ../doc.go for programs in Python."""
import asyncio
import json
import os
import sys
import traceback


class Cannot(Exception):
    """The library has no call, event or field for it."""


FEATURES = {}


def feature(name):
    def add(attempt):
        FEATURES[name] = attempt
        return attempt

    return add


def cannot(reason, *names):
    """Features that the library cannot do."""
    for name in names:
        FEATURES[name] = reason


def say(feature, state, **more):
    print(json.dumps({"feature": feature, "state": state, **more}), flush=True)


def reason_of(error):
    where = [f"{f.name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)][-3:]
    return f"{type(error).__name__}: {error} at {where}".replace("\n", " / ")


async def attempt(name, args):
    run = FEATURES.get(name)
    if run is None:
        return say(name, "untried")
    if isinstance(run, str):
        return say(name, "cannot", reason=run)
    try:
        data = await run(args, lambda **data: say(name, "ready", data=data))
    except Cannot as error:
        return say(name, "cannot", reason=str(error))
    except Exception as error:
        return say(name, "error", reason=reason_of(error))
    say(name, "ok", data=data or {})


async def run(connect, wrap, close):
    """Connects, and then tries what the driver asks for; wrap makes args of what it sends."""
    try:
        say("connect", "ok", data=await connect(os.environ["CONNECT"]))
    except Cannot as error:
        say("connect", "cannot", reason=str(error))
    except Exception as error:
        say("connect", "error", reason=reason_of(error))
    loop, trying = asyncio.get_running_loop(), set()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        task = loop.create_task(attempt(asked["feature"], wrap(asked.get("args") or {})))
        trying.add(task)
        task.add_done_callback(trying.discard)
    await close()
