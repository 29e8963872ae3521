"""The waist: five small protocols and two errors. A feature implements one; it widens none.

Two more are what a notifier is handed of a driver: ``Switch``, whose far end can make noise, and
``Texter``, whose far end is a modem. A third, ``Echo``, is what the canary is handed.

Exception
├── Unavailable   again later: nothing is wrong with what was asked
└── Refused       never: what was asked is kept with the reason
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.model import Item, Notification, Receipt, Record, Stamp


class Unavailable(Exception):
    """The other end is away. ``retry_after`` is its own word on when, in seconds."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class Refused(Exception):
    """Never again in this form. ``indices`` maps refused members of a batch to the reason.

    Without ``indices`` everything was refused. With them, the neighbours are done.
    """

    def __init__(self, reason: str, indices: Mapping[int, str] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.indices = indices


def in_words(error: BaseException) -> str:
    """What an error says; its name where it says nothing, as of a time limit or a cancellation."""
    return str(error) or type(error).__name__


class Emit(Protocol):
    """The door."""

    async def __call__(self, items: Sequence[Item]) -> None:
        """Returned: on disk, or refused for good with the reason kept; acknowledge either way.

        Raised or cancelled: not taken, do not acknowledge. May be awaited many times at
        once by one driver; the calls return in the order in which they were made.
        """


class Driver(Protocol):
    """Brings readings in.

    What it may have besides, and is found by name:

    ``switch``   its far end has outputs: see ``Switch``
    ``text``     its far end is a modem: see ``Texter``
    ``echo``     it can send a report to itself, the way a device would: see ``Echo``
    """

    async def run(self, emit: Emit) -> None:
        """Live until cancelled. Raise ``Unavailable`` when the device is gone."""

    async def check(self) -> str:
        """Say in one sentence that the far end can be reached; else raise ``Unavailable``."""


class Sink(Protocol):
    """Takes records out.

    What it may have besides, and is found by name: ``follow(site)``, as a notifier; and
    ``write_points(points)``, the same promise for the points of ``gateway.model.series``.
    """

    async def write(self, batch: Sequence[Record]) -> None:
        """Returned: kept over there. ``Unavailable``: again later, the same batch.

        ``Refused``: never; those are quarantined with the reason, their neighbours are done.
        """


class Notifier(Protocol):
    """Tells one person. It never waits for a limit: ``gateway.notify`` keeps its ``quotas``.

    What it may have besides, and is found by name:

    ``quotas: tuple[Quota, ...]``   the documented limits of its far end
    ``async check() -> str``        as a driver's; asked every minute while the channel is away
    ``is_fixture = True``           told besides people, and nobody's channel: a siren
    ``use(switches)``               is handed the drivers that can switch
    ``follow(site)``                is handed a function that gives the registry as it is
    """

    async def tell(self, notification: Notification) -> Receipt:
        """Returned: the far end took it. ``Unavailable``: again later, with the same key.

        ``Refused``: never in this form; a wrong key or address, or a number that does not exist.
        With ``silent`` nobody is rung: the receipt says how much of the way was tried.
        """


class Switch(Protocol):
    """What some drivers can besides: switch a siren or a strobe at their far end."""

    async def switch(self, output: str, on: bool) -> None:
        """Returned: it is switched. ``Refused``: there is no such output. Else ``Unavailable``."""


class Texter(Protocol):
    """What some drivers can besides: send a text message to a phone.

    One that takes answers may have ``answered_by(names)``: it is handed the notifiers that send by
    such drivers, for an account of a person there is a telephone number too.
    """

    async def text(self, number: str, text: str, reference: str, incident: str = "") -> Receipt:
        """Returned: the network took it. ``Refused``: no such number; else ``Unavailable``.

        The same ``reference`` again is the same message: it is not sent twice. What the carrier
        says later is an ``Action`` ``delivered`` or ``undelivered`` with the reference.
        """

    def ready(self) -> str:
        """How the network is heard, in one sentence. ``Unavailable``: nothing can be sent now."""


class Echo(Protocol):
    """What some drivers can besides: send the canary's report to themselves as a device would.

    A driver whose far end takes no reports (a serial port, a bus) has none.
    """

    async def echo(self, token: str) -> None:
        """Returned: it is on its way. ``Unavailable``: it can not be sent now.

        It comes in where devices' reports do, and ``run`` emits it as a ``Reading`` of the device
        ``CANARY_DEVICE`` with the token as its key. The door believes no other token, and nothing
        of the report but that.
        """


class Clock(Protocol):
    """Loops own a clock; pure code is given ``now``."""

    def now(self) -> Stamp:
        """One look at the clocks."""

    async def sleep(self, seconds: float) -> None:
        """Wait on the monotonic clock."""
