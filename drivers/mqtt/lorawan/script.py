"""Makers' codecs in the standard JavaScript form, run in a process of their own with limits.

Understood: ``decodeUplink({bytes, fPort, recvTime})`` giving ``{data, warnings, errors}`` (The
Things Stack, ChirpStack v4), ``Decode(fPort, bytes, variables)`` (ChirpStack v3), ``Decoder(bytes,
port)`` (The Things Network v2); as functions of the file or in ``module.exports``.

The engine is quickjs-ng. Measured on one core of a small machine with a Milesight codec of 14
bytes, per uplink inside the engine: quickjs-ng 9 µs, dukpy (Duktape, ES5 only, no limits) 40 µs,
mini-racer (V8) 134 µs of computing; ready after 11, 53 and 157 ms; 3, 11 and 56 MB. A codec of its
own takes 0.2 ms and 175 kB. Through the pipe to the process an uplink costs about 100 µs.

Why a process: quickjs-ng holds its memory and stack limits, but looks at its time limit only
between steps, and one call of ``indexOf``, ``join`` or ``concat`` can take minutes.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import select
import signal
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

if importlib.util.find_spec("quickjs") is None:
    raise ModuleNotFoundError(
        "codecs need the Python package quickjs-ng: pip install 'gridwarden[lorawan]'",
        name="quickjs-ng",
    )

SOURCE: Final = 512 * 1024
"""Bytes of a codec's file."""
FILES: Final = 1_000
"""Files of the folder that are looked at."""
DEPTH: Final = 16
"""Objects and lists within each other in a result."""
LONGEST: Final = 2048
"""Bytes of a payload."""
PATIENCE_MS: Final = 2_000
"""Until the process answers. It is ended by the kernel after 100 ms of computing; the rest is for a
machine that is busy with other things."""
START_MS: Final = 15_000
"""Until it answers for the first time: Python starts."""
STRIKES: Final = 3
"""So often in a row a codec may need too much; then it rests until its file changes, since every
time costs the gateway a tenth of a second and a new process."""
_REASON: Final = 200
_SUFFIX: Final = ".js"
_PLAIN: Final = re.compile(r"[\W_]+")
_WORKER: Final = Path(__file__).with_name("script_worker.py")
_KEPT: Final = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
_TOO_MUCH: Final[Mapping[str, str]] = {
    "time": "it computed longer than a codec may",
    "memory": "it needed more memory than a codec may",
}
_CRASHED: Final = "its process ended while it ran"


class Overrun(ValueError):
    """A codec needed more time or memory than it may have."""


class Forgotten(ValueError):
    """The process has not kept this codec."""


def plain(name: str) -> str:
    """A file's, profile's or model's name without case and punctuation."""
    lowered = name.strip().lower()
    return _PLAIN.sub("", lowered.removesuffix(_SUFFIX))


class Scripts:
    """The codecs of a folder. For one thread; without any use there is no process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = Process()
        self._stamp = -1
        self._scripts: dict[str, Script] = {}

    def find(self, names: Sequence[str]) -> Script | None:
        """The codec of the first of ``names`` that has one.

        A name is a file's name, with or without ".js", or a profile's, model's or device's; case
        and punctuation make no difference. Two files that differ in nothing else are one codec,
        which says so whenever it is asked.
        """
        self._look()
        for name in names:
            script = self._scripts.get(plain(name))
            if script is not None:
                return script
        return None

    def close(self) -> None:
        """End the process; the next payload would start another."""
        self._process.end()

    def _look(self) -> None:
        """Read the folder again if it changed. A folder that can not be read has no codecs."""
        try:
            stamp = os.stat(self._folder).st_mtime_ns
            if stamp == self._stamp:
                return
            files = sorted(self._folder.iterdir())[:FILES]
        except OSError:
            self._stamp, self._scripts = -1, {}
            return
        self._stamp = stamp
        named: dict[str, list[Path]] = {}
        for path in files:
            if path.suffix.lower() == _SUFFIX and plain(path.name):
                named.setdefault(plain(path.name), []).append(path)
        kept = {name: self._scripts.get(name) for name in named}
        self._scripts = {
            name: script
            if (script := kept[name]) is not None and script.paths == paths
            else Script(paths, self._process)
            for name, paths in named.items()
        }


class Script:
    """One codec. Its file is read again when it changes."""

    def __init__(self, paths: list[Path], process: Process) -> None:
        self.paths = paths
        """One file; several are ambiguous."""
        self._process = process
        self._number = process.number()
        self._stamp = (-1, -1)
        self._loaded = -1
        """The process' generation that has it."""
        self._strikes = 0

    def decode(self, port: int, data: bytes, received_ms: int = 0) -> dict[str, Any]:
        """What the codec says of an uplink.

        ``received_ms``: ms since 1970, the only time that the codec can learn. ValueError in one
        line: the file can not be used, the codec failed or said ``errors``, its result is none, or
        it needed more time or memory than it may.
        """
        if len(self.paths) > 1:
            both = " and ".join(path.name for path in self.paths[:3])
            raise ValueError(f"codecs {both} are the same name; remove all but one")
        try:
            return self._decode(port, data, received_ms)
        except Overrun as error:
            self._strikes += 1
            self._loaded = -1
            self._fail(str(error))
        except ValueError as error:
            self._fail(str(error))

    def _decode(self, port: int, data: bytes, received_ms: int) -> dict[str, Any]:
        if len(data) > LONGEST:
            raise ValueError(f"{len(data)} bytes, a payload has at most {LONGEST}")
        request = json.dumps([port, list(data), received_ms])
        self._load()
        try:
            text = self._process.ask(self._number, request)
        except Forgotten:
            self._loaded = -1
            self._load()
            text = self._process.ask(self._number, request)
        self._strikes = 0
        return _result(text)

    def _load(self) -> None:
        """Give the process the file, if it is new to it."""
        path = self.paths[0]
        try:
            about = os.stat(path)
            stamp = (about.st_mtime_ns, about.st_size)
            if stamp != self._stamp:
                self._stamp, self._strikes, self._loaded = stamp, 0, -1
            elif self._loaded == self._process.generation:
                return
            if self._strikes >= STRIKES:
                raise ValueError(f"rests after it needed too much {STRIKES} times; change the file")
            if about.st_size > SOURCE:
                raise ValueError(f"{about.st_size} bytes, a codec has at most {SOURCE}")
            source = path.read_bytes()[: SOURCE + 1].decode("utf-8-sig", "replace")
        except OSError as error:
            raise ValueError(f"the file can not be read: {error.strerror}") from None
        self._process.load(self._number, source)
        self._loaded = self._process.generation

    def _fail(self, reason: str) -> NoReturn:
        raise ValueError(f"codec {self.paths[0].name}: {reason}") from None


def _result(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_int=_number)
        match found:
            case [dict() as data]:
                _bounded(data, DEPTH)
                return data
            case ["", str() as reason]:
                raise ValueError(_line(reason) or "it said errors without a text")
            case _:
                raise ValueError("its data can not be written as a JSON object")
    except RecursionError:
        raise ValueError(f"its result is more than {DEPTH} levels deep") from None


def _number(digits: str) -> int | float:
    """JavaScript has no integers past 2**53, and nobody after us wants more than 64 bits."""
    return int(digits) if len(digits) < 16 else float(digits)


def _bounded(value: Any, depth: int) -> None:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if depth == 0 and inner:
        raise ValueError(f"its result is more than {DEPTH} levels deep")
    for each in inner:
        _bounded(each, depth - 1)


def _line(text: str) -> str:
    """What a codec said, as one short printable line."""
    return "".join(char if char.isprintable() else " " for char in text)[:_REASON].strip()


class Process:
    """The process with the engine: started when it is needed, ended and started anew when it must.

    Every wait has a limit; whoever does not answer in time is killed.
    """

    def __init__(self) -> None:
        self.generation = 0
        """How often it was ended: what it had is gone."""
        self._numbers = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._finalize: weakref.finalize[Any, Any] | None = None
        self._patience = START_MS

    def number(self) -> int:
        """A new codec's number."""
        self._numbers += 1
        return self._numbers

    def load(self, number: int, source: str) -> None:
        """Compile a codec. ValueError: it can not; Overrun: only with more time or memory."""
        if self._child is None:
            self._start()
        self._exchange([number, source, True])

    def ask(self, number: int, request: str) -> str:
        """The answer's JSON text. ValueError: the codec failed; Overrun: it needed too much."""
        return self._exchange([number, request, False])

    def end(self) -> None:
        """Kill it, if it runs, and wait for it."""
        if self._finalize is not None:
            self._finalize()
            self.generation += 1
        self._child = self._finalize = None

    def _start(self) -> None:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        try:
            child = subprocess.Popen(  # noqa: S603 - our own file, our own Python
                [sys.executable, "-I", str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**environment, "TZ": "UTC"},
                cwd="/",
                bufsize=0,
            )
        except OSError as error:
            raise ValueError(f"no process for codecs could be started: {error.strerror}") from None
        self._child = child
        self._finalize = weakref.finalize(self, _kill, child)
        self._patience = START_MS

    def _exchange(self, message: list[Any]) -> str:
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise Overrun("its process has ended")
        payload = json.dumps(message).encode()
        try:
            _write(child.stdin.fileno(), len(payload).to_bytes(4) + payload, self._patience)
            size = int.from_bytes(_read(child.stdout.fileno(), 4, self._patience))
            said, text = json.loads(_read(child.stdout.fileno(), size, self._patience))
        except TimeoutError:
            self.end()
            raise Overrun(_TOO_MUCH["time"]) from None
        except (OSError, EOFError):
            self.end()
            slow = child.returncode == -signal.SIGPROF
            raise Overrun(_TOO_MUCH["time"] if slow else _CRASHED) from None
        self._patience = PATIENCE_MS
        if said in _TOO_MUCH:
            raise Overrun(_TOO_MUCH[said])
        if said == "unknown":
            raise Forgotten("it is not loaded")
        if said != "ok":
            raise ValueError(_line(text) or "it failed")
        return str(text)


def _kill(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.communicate()


def _ready(descriptor: int, what: int, patience_ms: int) -> None:
    poll = select.poll()
    poll.register(descriptor, what)
    if not poll.poll(patience_ms):
        raise TimeoutError


def _write(descriptor: int, data: bytes, patience_ms: int) -> None:
    while data:
        _ready(descriptor, select.POLLOUT, patience_ms)
        data = data[os.write(descriptor, data[: select.PIPE_BUF]) :]


def _read(descriptor: int, size: int, patience_ms: int) -> bytes:
    found = b""
    while len(found) < size:
        _ready(descriptor, select.POLLIN, patience_ms)
        piece = os.read(descriptor, size - len(found))
        if not piece:
            raise EOFError
        found += piece
    return found
