"""The V3 signature of Aliyun's API (ACS3-HMAC-SHA256). Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

ALGORITHM: Final = "ACS3-HMAC-SHA256"
EMPTY: Final = hashlib.sha256(b"").hexdigest()
"""Digest of a body without a byte: every parameter stands in the query."""


def query_of(parameters: Mapping[str, str]) -> str:
    """The canonical query, which is also the one that is sent: sorted, escaped by RFC 3986."""
    pairs = sorted((_escaped(name), _escaped(value)) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def authorization(
    method: str, path: str, query: str, headers: Mapping[str, str], key_id: str, secret: str
) -> str:
    """The value of ``Authorization``. ``headers``: lower-case names, all of which are signed."""
    names = ";".join(sorted(headers))
    listed = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    canonical = "\n".join((method, path, query, listed, names, EMPTY))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signed = hmac.new(secret.encode(), f"{ALGORITHM}\n{digest}".encode(), hashlib.sha256)
    return f"{ALGORITHM} Credential={key_id},SignedHeaders={names},Signature={signed.hexdigest()}"


def _escaped(text: str) -> str:
    return quote(text, safe="-_.~")
