"""A group of commands whose listing imports none of them, and one of which imports no other."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import click

from gateway.cli._say import say
from gateway.model import Text


class Lazy(click.Group):
    """``texts``: subcommand -> what it does; ``module``: where its ``command`` is."""

    def __init__(
        self, *args: Any, texts: Mapping[str, Text], module: Callable[[str], str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._texts = texts
        self._module = module

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._texts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._texts:
            return None
        found: click.Command = importlib.import_module(self._module(cmd_name)).command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, say(text.zh, text.en)) for name, text in self._texts.items()]
        with formatter.section(say("命令", "Commands")):
            formatter.write_dl(rows)
