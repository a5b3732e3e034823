"""Points the library of a bot at Evergreen.

Python loads this file before the bot, because `evergreen proxy -- COMMAND` puts its folder
into PYTHONPATH. It changes one setting of the library as soon as that is imported, and
nothing else; whatever goes wrong here must not keep a bot from starting.
"""
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys

GATEWAY = os.environ.get("EVERGREEN_GATEWAY_URL", "")
API = os.environ.get("EVERGREEN_API_URL", "")
FOLDER = os.path.dirname(os.path.abspath(__file__))


def say(text):
    print("evergreen:", text, file=sys.stderr, flush=True)


def connects_here(name):
    say("%s connects to Evergreen at %s" % (name, GATEWAY))


def discord_gateway(module):
    """discord.py: it dials an address of its own, without asking for one."""
    socket = module.DiscordWebSocket
    if hasattr(socket, "DEFAULT_GATEWAY"):
        import yarl

        socket.DEFAULT_GATEWAY = yarl.URL(GATEWAY + "/")
        connects_here("discord.py")


def route(module):
    """The REST address; py-cord, nextcord and disnake ask there for that of the gateway."""
    name = module.__name__.partition(".")[0]
    for setting in ("API_BASE_URL", "BASE"):
        address = getattr(module.Route, setting, None)
        if isinstance(address, str):
            setattr(module.Route, setting, API + "/" + address.rstrip("/").rpartition("/")[2])
            if name != "discord" or setting == "API_BASE_URL":
                connects_here("py-cord" if name == "discord" else name)
            return


def hikari_urls(module):
    """hikari: the REST address, where it asks for that of the gateway."""
    module.REST_API_URL = API + "/" + module.REST_API_URL.rstrip("/").rpartition("/")[2]
    connects_here("hikari")


CHANGES = {
    "discord.gateway": discord_gateway,
    "discord.http": route,
    "nextcord.http": route,
    "disnake.http": route,
    "hikari.urls": hikari_urls,
}


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of CHANGES as others do, and changes them once they are loaded."""

    def find_spec(self, name, path=None, target=None):
        change = CHANGES.get(name)
        if change is None:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                break
        else:
            return None
        execute = getattr(spec.loader, "exec_module", None)
        if execute is None:
            return spec

        def execute_and_change(module):
            execute(module)
            try:
                change(module)
            except Exception as error:
                say("%s cannot be pointed here (%r); make the change of `evergreen proxy setup` in the bot" % (name, error))

        spec.loader.exec_module = execute_and_change
        return spec


def run_hidden():
    """Runs the sitecustomize that this file hides, if there is one."""
    others = [entry for entry in sys.path if os.path.abspath(entry) != FOLDER]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if GATEWAY and API:
    sys.meta_path.insert(0, Finder())
run_hidden()
