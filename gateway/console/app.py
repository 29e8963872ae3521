"""The console as an application, and the server around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Final, NamedTuple

from aiohttp import web

from gateway.clock import SystemClock
from gateway.console.api import Api
from gateway.console.case_page import CasePage
from gateway.console.duty import DutyApi
from gateway.console.events import Streams
from gateway.console.guard import Hosts, add_headers, guard
from gateway.console.hand import HandApi, HandView
from gateway.console.history import HistoryApi
from gateway.console.metrics import Metrics
from gateway.console.page import HERE, Page, Parts
from gateway.console.patrol_page import PatrolPage
from gateway.console.phone_forms import PhoneForms
from gateway.console.registry import RegistryApi
from gateway.console.telling import TellingApi, TellingView
from gateway.console.view import View
from gateway.ports import Clock, Unavailable

_HOSTS: Final = web.AppKey("hosts", Hosts)
_MAX_BODY: Final = 16_384
"""Bytes: a comment of 2,000 Chinese characters, escaped, and the rest of an action."""
_SHUTDOWN: Final = 2.0
"""Seconds that a slow phone gets to take its answer before the server ends."""


def create_app(
    view: View,
    *,
    language: str = "zh",
    zone: str = "Asia/Shanghai",
    clock: Clock | None = None,
    hosts: Iterable[str] = (),
    chinese: Callable[[str], str] = str,
    link_key: bytes = b"",
    telling: TellingView | None = None,
    hand: HandView | None = None,
) -> web.Application:
    """The console over ``view``.

    ``language`` is for those who have not chosen one, ``zone`` the time zone of the page's
    times, ``hosts`` further names under which the console may be asked for. ``chinese`` puts a
    line about a rule file or a store into Chinese; without it such lines are English. With
    ``link_key`` the cases behind the links of messages are shown too; without ``telling`` there
    are no silences here, without ``hand`` the registry can not be changed by hand.
    """
    allowed = Hosts(hosts)
    app = web.Application(middlewares=[guard(allowed, chinese)], client_max_size=_MAX_BODY)
    app[_HOSTS] = allowed
    streams = Streams(view, clock if clock is not None else SystemClock())
    parts = Parts(telling=telling is not None, hand=hand is not None)
    page = Page(view, language, zone, parts)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(streams.close)
    app.add_routes(Api(view, streams, chinese).routes())
    app.add_routes(HistoryApi(view).routes())
    app.add_routes(RegistryApi(view, chinese).routes())
    app.add_routes(DutyApi(view.site, view.now).routes())
    if telling is not None:
        app.add_routes(TellingApi(telling, view.site, view.now, view.duty().id).routes())
    if hand is not None:
        app.add_routes(HandApi(hand, view.site, chinese).routes())
    app.add_routes(
        [
            web.get("/", page.handle),
            web.get("/metrics", Metrics(view, streams.__len__).handle),
            web.static("/static/", HERE / "static"),
        ]
    )
    if link_key:
        app.add_routes(_phone_pages(view, link_key, zone))
    return app


def create_case_app(
    view: View,
    link_key: bytes,
    *,
    zone: str = "Asia/Shanghai",
    hosts: Iterable[str] = (),
    chinese: Callable[[str], str] = str,
) -> web.Application:
    """The pages behind links and nothing else: for an address that phones reach."""
    allowed = Hosts(hosts)
    app = web.Application(middlewares=[guard(allowed, chinese)], client_max_size=_MAX_BODY)
    app[_HOSTS] = allowed
    app.on_response_prepare.append(add_headers)
    app.add_routes(_phone_pages(view, link_key, zone))
    app.add_routes([web.static("/static/", HERE / "static")])
    return app


def _phone_pages(view: View, link_key: bytes, zone: str) -> list[web.RouteDef]:
    forms = PhoneForms(view)
    cases, rounds = CasePage(view, link_key, zone, forms), PatrolPage(view, link_key, zone, forms)
    return [*cases.routes(), *rounds.routes()]


class Bound(NamedTuple):
    """Where the server listens."""

    host: str
    port: int


class Serving:
    """Serves an application while it is entered; prints nothing and logs no requests."""

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Bound:
        """Listen; ``Unavailable`` says why that is impossible."""
        self._app[_HOSTS].bind(self._host)
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=_SHUTDOWN)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise Unavailable(
                f"console: can not listen on {self._host}:{self._port} "
                f"({error.strerror or error}); choose another console.port"
            ) from None
        return Bound(self._host, int(self._runner.addresses[0][1]))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()


def serve(app: web.Application, host: str, port: int) -> Serving:
    """The server of ``app``, listening while it is entered; port 0 is any free one."""
    return Serving(app, host, port)
