"""How the modem stands: its card, its network, its signal, its storage. A reading of it."""

from __future__ import annotations

import re
from typing import Final

from drivers.sms_modem.codes import AtError
from drivers.sms_modem.engine import Engine
from drivers.sms_modem.start import BUSY, attempt
from gateway.model import Reading, Value
from gateway.ports import Unavailable

DEVICE: Final = "modem"
_NO_SIGNAL: Final = 99
_LOUDEST: Final = 31
_NETWORKS: Final = {
    0: "none", 1: "home", 2: "searching", 3: "denied", 4: "unknown", 5: "roaming",
    6: "home", 7: "roaming", 8: "emergency",
}  # fmt: skip
"""<stat> of +CREG, +CGREG and +CEREG; 6 and 7 are registered for text messages alone."""
_IN: Final = ("home", "roaming")
_REGISTERED: Final = re.compile(r"\+C(?:E|G)?REG: ?\d,(\d{1,2})")
_SIGNAL: Final = re.compile(r"\+CSQ: ?(\d{1,3}),")
_OPERATOR: Final = re.compile(r'\+COPS: ?\d,\d,"([^"]*)"')
_STORAGE: Final = re.compile(r'\+CPMS: ?"\w+",(\d{1,5}),(\d{1,5})')


class Standing:
    """What was found at the last look, and what was counted since the start."""

    def __init__(self, port: str) -> None:
        self._port = port
        self.network = "unknown"
        self.operator = ""
        self.signal: int | None = None
        self.used = 0
        self.room = 0
        self.sent = 0
        self.failed = 0

    @property
    def registered(self) -> bool:
        """Whether a message can be sent now."""
        return self.network in _IN

    async def look(self, engine: Engine) -> None:
        """Ask. Unavailable: the card is gone. NoAnswer: the modem is."""
        try:
            lines = await engine.ask("AT+CPIN?")
        except AtError as error:
            if error.code == BUSY:
                return  # what was found before still holds
            raise Unavailable(f"modem on {self._port}: {error}") from None
        if not any("READY" in line for line in lines):
            raise Unavailable(f"modem on {self._port}: the SIM card is no longer ready")
        self.network = await self._where(engine)
        signal = await _found(engine, "AT+CSQ", _SIGNAL)
        heard = int(signal[1]) if signal else _NO_SIGNAL
        self.signal = heard if heard <= _LOUDEST else None
        operator = await _found(engine, "AT+COPS?", _OPERATOR)
        self.operator = operator[1][:40] if operator and self.registered else ""
        storage = await _found(engine, "AT+CPMS?", _STORAGE)
        if storage:
            self.used, self.room = int(storage[1]), int(storage[2])

    def reading(self, refused: int, waiting: int) -> Reading:
        """``refused``: texts not taken. ``waiting``: messages whose report has not come."""
        values: dict[str, Value] = {
            "channel_down": not self.registered,
            "extra.network": self.network,
            "extra.storage_used": float(self.used),
            "extra.storage_room": float(self.room),
            "extra.sent": float(self.sent),
            "extra.failed": float(self.failed),
            "extra.refused_texts": float(refused),
            "extra.reports_awaited": float(waiting),
        }
        if self.operator:
            values["extra.operator"] = self.operator
        if self.signal is not None:
            values["rssi"] = float(2 * self.signal - 113)
            values["link"] = round(100.0 * self.signal / _LOUDEST)
        return Reading(DEVICE, "gateway", values)

    def sentence(self) -> str:
        """For people."""
        signal = "no signal" if self.signal is None else f"signal {2 * self.signal - 113} dBm"
        at = f"registered at {self.operator or 'a network'} ({self.network})"
        network = at if self.registered else f"not registered ({self.network})"
        return f"{network}, {signal}, {self.used} of {self.room} messages stored"

    async def _where(self, engine: Engine) -> str:
        """The better of what the circuit and the packet side say: LTE modems know one of them."""
        words = []
        for command in ("AT+CREG?", "AT+CEREG?"):
            found = await _found(engine, command, _REGISTERED)
            words.append(_NETWORKS.get(int(found[1]), "unknown") if found else "unknown")
        known = [word for word in words if word in _IN] or [w for w in words if w != "unknown"]
        return known[0] if known else "unknown"


async def _found(engine: Engine, command: str, form: re.Pattern[str]) -> re.Match[str] | None:
    for line in await attempt(engine, command, 10.0) or []:
        if found := form.match(line):
            return found
    return None
