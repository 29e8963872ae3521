"""Who may ask: the check of Host and Origin, the security headers, errors as JSON.

The console has no logins yet. It is bound to loopback unless told otherwise, so what must be
kept out are other web sites in the operator's own browser: they may reach this port, but a
browser tells us their name in Origin, and in Host when a DNS name was rebound to this machine.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.console.query import ApiError
from gateway.ports import Unavailable

_LINKS: Final = ("/c/", "/p/")
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Hosts:
    """The names under which this console may be asked for.

    Bound to loopback: loopback's own names. Bound wider: this machine's names and any IP
    address, for a rebound DNS name can not look like an address.
    """

    def __init__(self, extra: Iterable[str] = ()) -> None:
        self._names = {"localhost", *(_normal(each) for each in extra)}
        self._wide = False

    def bind(self, host: str) -> None:
        """Learn where the server listens."""
        if _is_loopback(host):
            return
        self._wide = True
        machine = _normal(socket.gethostname())
        self._names |= {_normal(host), machine, f"{machine}.local"}

    def allow(self, host_header: str) -> bool:
        """Whether a Host header names this console."""
        try:
            host = _normal(urlsplit(f"//{host_header}").hostname or "")
        except ValueError:
            return False
        if host in self._names:
            return True
        return _is_address(host) if self._wide else _is_loopback(host)


def _normal(host: str) -> str:
    return host.lower().rstrip(".")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if _normal(host) == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def guard(hosts: Hosts, chinese: Callable[[str], str] = str) -> Middleware:
    """The outermost middleware: refuses strangers, and turns every error into JSON.

    ``chinese`` puts a store's reason into Chinese, or gives it back as it is.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            _check_origin(request, hosts)
            return await handler(request)
        except ApiError as error:
            return _refusal(error.status, error.message, error.chinese)
        except Unavailable as error:
            return _refusal(503, error.reason, chinese(error.reason))
        except web.RequestPayloadError:
            return _unreadable(request)
        except web.HTTPRedirection:
            raise
        except web.HTTPException as error:
            return _http_error(request, error)

    return middleware


def _check_origin(request: web.Request, hosts: Hosts) -> None:
    host = request.headers.get("Host", "")
    if not hosts.allow(host):
        raise ApiError(
            403,
            f"this console does not answer to the name {host[:80]!r}; "
            "open it by this machine's address or name",
        )
    if request.path.startswith(_LINKS):
        return  # the link is the secret; forms of a page without referrer have the Origin "null"
    origin = request.headers.get("Origin")
    if origin is not None and _site_of(origin) != host.lower():
        raise ApiError(403, f"requests from the site {origin[:80]!r} are not taken")
    if request.path != "/" and request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise ApiError(403, "requests from other sites are not taken")


def _site_of(origin: str) -> str | None:
    """Host and port of an Origin header; None for what is no address."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _refusal(status: int, english: str, chinese: str) -> web.Response:
    """With both languages where there are two: the page then shows the sentence."""
    two = bool(chinese) and chinese != english
    both = {"zh": chinese, "en": english} if two else {}
    return as_json({"error": english} | both, status=status)


def _unreadable(request: web.Request) -> web.Response:
    """A body that is not packed as it says. The server would read on, and log where it failed."""
    request.content.feed_eof()
    answer = _refusal(400, "the body can not be read", "请求内容无法读取。")
    answer.force_close()
    return answer


def _http_error(request: web.Request, error: web.HTTPException) -> web.Response:
    headers = {}
    message = error.reason
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        headers["Allow"] = allowed
        message = f"{request.method} is not for this path; use {allowed}"
    elif isinstance(error, web.HTTPNotFound):
        message = f"there is nothing at {request.path[:120]}"
    elif isinstance(error, web.HTTPRequestEntityTooLarge):
        message = "the body is too large"
    return as_json({"error": message}, status=error.status, headers=headers)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal before every answer: security headers, and no copy of people's data kept."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    fresh = "no-cache" if request.path.startswith("/static/") else "no-store"
    response.headers.setdefault("Cache-Control", fresh)


def as_json(
    content: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """``content`` as JSON; numbers that JSON lacks (NaN) become null."""
    return web.Response(
        body=msgspec.json.encode(content),
        status=status,
        headers=headers,
        content_type="application/json",
        charset="utf-8",
    )
