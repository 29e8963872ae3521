"""``gridwarden export``: what leaves the gateway as a file."""

from __future__ import annotations

import click

from gateway.cli._export_incident import incident
from gateway.cli._say import say


@click.group(
    "export",
    help=say(
        "导出文件。\n\n例:gridwarden export incident L20260105-0001 site.yaml",
        "Write a file.\n\nExample: gridwarden export incident L20260105-0001 site.yaml",
    ),
)
def command() -> None:
    """See the help text."""


command.add_command(incident)
