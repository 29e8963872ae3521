"""``python -m gateway``: the command ``gridwarden``."""

from gateway.cli import main

main()
