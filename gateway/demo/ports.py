"""A TCP port that nobody uses."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A free port on loopback. Another program may take it first; the demo then says so."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
