"""The process in which the makers' codecs run, so that nothing of theirs can reach the gateway.

    standard input   frames: length (4 bytes), JSON [number, source] or [number, request]
    standard output  frames: length (4 bytes), JSON [said, text]; said: ok, failed, time, memory,
                     unknown (no codec of that number is kept)

The engine bounds a codec's memory and stack; its own time limit is asked between steps of the
codec only, and one step can be long (an array's ``join``, a number of a million digits). So the
kernel ends the whole process after ``CPU`` seconds of computing: SIGPROF. The gateway sees the
end, says so and starts another. Run by its path: only the standard library and the engine.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from pathlib import Path
from typing import Any, Final

import quickjs  # type: ignore[import-untyped]

STEPS: Final = 0.05
"""Seconds of computing after which the engine stops a codec between two steps."""
CPU: Final = 0.1
"""Seconds of computing after which the kernel ends the process."""
LOAD_STEPS: Final = 0.5
LOAD_CPU: Final = 1.0
"""The same while a file is compiled: once, and some have 100 kB."""
MEMORY: Final = 16 * 1024 * 1024
STACK: Final = 256 * 1024
ADDRESSES: Final = 512 * 1024 * 1024
"""Of the whole process: every codec's memory, the engine and Python."""
SCRIPTS: Final = 32
"""Codecs that are kept compiled; the one that was loaded first goes."""
RESULT: Final = 64 * 1024
_ENTRY: Final = (
    '(typeof decodeUplink === "function" ? decodeUplink : undefined)',
    '(typeof Decode === "function" ? Decode : undefined)',
    '(typeof Decoder === "function" ? Decoder : undefined)',
)


def compiled(prelude: str, source: str) -> Any:
    """The codec as a function of a request's JSON text."""
    context = quickjs.Context()
    context.set_memory_limit(MEMORY)
    context.set_max_stack_size(STACK)
    context.set_time_limit(LOAD_STEPS)
    begin = context.eval(prelude)
    context.eval(source)
    run = begin(*(context.eval(name) for name in _ENTRY))
    context.set_time_limit(STEPS)
    return run


def said(error: quickjs.JSException) -> tuple[str, str]:
    """Which limit it was, if any, and the error's first lines in one."""
    text = " ".join(str(error).split())
    if "InternalError: interrupted" in text:
        return "time", text
    if "out of memory" in text or text == "null":
        return "memory", text
    return "failed", text


class Worker:
    """Codecs by their number."""

    def __init__(self, prelude: str) -> None:
        self._prelude = prelude
        self._scripts: dict[int, Any] = {}

    def do(self, number: int, text: str, *, loads: bool) -> tuple[str, str]:
        """Load or run a codec within the limits."""
        signal.setitimer(signal.ITIMER_PROF, LOAD_CPU if loads else CPU)
        try:
            return self._load(number, text) if loads else self._run(number, text)
        except quickjs.JSException as error:
            return said(error)
        except MemoryError:
            return "memory", ""
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def _load(self, number: int, source: str) -> tuple[str, str]:
        self._scripts.pop(number, None)
        if len(self._scripts) >= SCRIPTS:
            del self._scripts[next(iter(self._scripts))]
        self._scripts[number] = compiled(self._prelude, source)
        return "ok", ""

    def _run(self, number: int, request: str) -> tuple[str, str]:
        if number not in self._scripts:
            return "unknown", ""
        found = self._scripts[number](request)
        if not isinstance(found, str):
            return "failed", "it gave no text"
        if len(found) > RESULT:
            return "failed", f"its result has {len(found)} characters, at most {RESULT} are read"
        return "ok", found


def main() -> None:
    """Serve until the gateway closes the pipe."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    worker = Worker(Path(__file__).with_name("script_prelude.js").read_text("utf-8"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(4):
        number, text, loads = json.loads(source.read(int.from_bytes(head)))
        answer = json.dumps(worker.do(number, text, loads=loads)).encode()
        sink.write(len(answer).to_bytes(4) + answer)
        sink.flush()


if __name__ == "__main__":
    main()
