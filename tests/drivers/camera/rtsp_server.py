"""A real RTSP server for tests: GStreamer's, killable, pausable, back on the same port."""

from __future__ import annotations

import os
import signal
import subprocess
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests import servers

PACKAGES = "gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good python3-gi"
USER, PASSWORD = "viewer", "geheim"
_PYTHON = "/usr/bin/python3"
_SCRIPT = Path(__file__).with_name("gst_rtsp.py")


@cache
def installed() -> bool:
    """Whether the system's Python has GStreamer's RTSP server and the payloader."""
    code = (
        "import gi; gi.require_version('GstRtspServer', '1.0'); gi.require_version('Gst', '1.0');"
        "from gi.repository import Gst; Gst.init(None);"
        "assert Gst.ElementFactory.find('rtph264pay') and Gst.ElementFactory.find('qtdemux')"
    )
    try:
        return subprocess.run([_PYTHON, "-c", code], capture_output=True).returncode == 0
    except OSError:
        return False


class RtspServer:
    """Serves ``clip`` at ``url``."""

    def __init__(self, clip: Path) -> None:
        if not installed():
            pytest.skip(f"no RTSP server here: apt-get install {PACKAGES}")
        self._clip = clip
        self.port = servers.free_port()
        self._process: subprocess.Popen[str] | None = None

    def url(self, password: str = PASSWORD, path: str = "/live") -> str:
        return f"rtsp://{USER}:{password}@127.0.0.1:{self.port}{path}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Returns when it listens."""
        self._process = subprocess.Popen(
            [_PYTHON, str(_SCRIPT), str(self.port), str(self._clip), USER, PASSWORD],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        servers.RUNNING.add(self._process.pid)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        """As a power cut."""
        if self._process is not None:
            self._process.kill()
            with self._process:
                pass
            servers.RUNNING.discard(self._process.pid)
            self._process = None

    def pause(self) -> None:
        """Connections stay open, nothing comes any more."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
