"""Options of the notifier ``cap``."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.model import Category
from gateway.options import Duration, PluginOptions, Secret, SitePath
from gateway.web import check_url

_SENDER: Final = re.compile(r"[^\s,<&]{1,100}")
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_OURS: Final = ("content-type", "content-length", "host")


def _sender(value: str) -> str:
    if not _SENDER.fullmatch(value) or not value.isprintable():
        raise ValueError("a sender is one word without , < and &, like gateway@s1.example.org")
    return value


def _shown(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be a text that can be shown")
    return value


def _header(name: str) -> str:
    if not _HEADER.fullmatch(name) or name.lower() in _OURS:
        raise ValueError(f"{name!r} can not be set as a header")
    return name


def _url(value: str | Secret) -> str | Secret:
    return check_url(value) if isinstance(value, str) else value


Line = Annotated[str, AfterValidator(_shown)]


class Options(PluginOptions):
    """Where documents go, and what they say of us."""

    folder: SitePath
    """Each document is a file here; the folder is also the memory of what was sent."""
    url: Annotated[str | Secret, AfterValidator(_url)] | None = None
    """Posted there as well."""
    headers: dict[Annotated[str, AfterValidator(_header)], Secret] = Field({}, max_length=10)
    timeout: Annotated[Duration, Field(gt=0, le=60)] = 5.0
    sender: Annotated[str, AfterValidator(_sender)]
    sender_name: Line = Field("", max_length=100)
    contact: Line = Field("", max_length=200)
    status: Literal["Actual", "Exercise", "Test"] = "Actual"
    note: Line = Field("", max_length=200)
    """With ``Exercise``: which one."""
    scope: Literal["Restricted", "Private", "Public"] = "Restricted"
    restriction: Line = Field("值班人员 duty staff", min_length=1, max_length=200)
    addresses: tuple[Annotated[Line, Field(min_length=1, max_length=100)], ...] = Field(
        (), max_length=50
    )
    expires: Annotated[Duration, Field(ge=60, le=7 * 86_400)] = 3_600.0
    """A document that nothing followed is void after this time."""
    radius: float = Field(0.05, gt=0, le=50)
    """Kilometres around a place or a device."""
    zone: str = Field("+08:00", pattern=r"^[+-](0\d|1[0-4]):[0-5]\d$")
    phones: bool = False
    """Whether phone numbers that stand in the text may leave the site."""
    categories: tuple[Category, ...] = Field((Category.life,), min_length=1)
    files: int = Field(1_000, ge=10, le=20_000)
    keep: Annotated[Duration, Field(ge=3_600, le=3_660 * 86_400)] = 30 * 86_400.0

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.status == "Exercise" and not self.note:
            raise ValueError("an exercise needs a note that says which one it is")
        if (self.scope == "Private") != bool(self.addresses):
            raise ValueError("scope Private and addresses belong together")
        if any('"' in each for each in self.addresses):
            raise ValueError("an address has no quotation marks")
        if self.headers and self.url is None:
            raise ValueError("headers are for a url")
        return self

    @property
    def offset(self) -> int:
        """``zone`` in seconds east of Greenwich."""
        seconds = int(self.zone[1:3]) * 3_600 + int(self.zone[4:]) * 60
        return -seconds if self.zone[0] == "-" else seconds
