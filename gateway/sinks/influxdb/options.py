"""Options of the sink ``influxdb``."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.options import Duration, PluginOptions, Secret
from gateway.web import check_url

_OF_VERSION: Final = {
    1: ("database", "retention_policy", "username", "password", "create_database"),
    2: ("org", "bucket", "token"),
}
_NEEDED: Final = {1: ("database",), 2: ("org", "bucket", "token")}


def _tag(name: str) -> str:
    if name in ("device", "place", "time") or name.startswith("_"):
        raise ValueError(f"{name!r} can not be a tag of yours: it has a meaning already")
    return name


_Short = Annotated[str, Field(min_length=1, max_length=200)]


class Options(PluginOptions):
    """``version`` decides which of the others are wanted."""

    url: Annotated[str, AfterValidator(check_url)]
    """``http://host:8086``; a path before ``/write`` is kept."""
    version: Literal[1, 2] = 1
    """1: ``/write``; 2: ``/api/v2/write``."""

    database: Annotated[str, Field(max_length=200)] = ""
    retention_policy: Annotated[str, Field(max_length=200)] = ""
    """"": the database's default."""
    username: Annotated[str, Field(max_length=200)] = ""
    password: Secret | None = None
    create_database: bool = True
    """Create ``database`` when the server does not have it."""

    org: Annotated[str, Field(max_length=200)] = ""
    bucket: Annotated[str, Field(max_length=200)] = ""
    token: Secret | None = None

    tags: dict[Annotated[_Short, AfterValidator(_tag)], _Short] = Field({}, max_length=8)
    """Tags of every point, like ``{site: 云河社区}``."""
    batch: Annotated[int, Field(ge=1, le=20_000)] = 5_000
    """Points per request."""
    gzip: Annotated[int, Field(ge=0, le=9)] = 1
    """zlib level; 0 sends plain text."""
    timeout: Annotated[Duration, Field(gt=0, le=300)] = 10.0

    @model_validator(mode="before")
    @classmethod
    def _belongs_to_the_version(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("version", 1) not in _OF_VERSION:
            return given  # the fields' own errors say it
        version = given.get("version", 1)
        other = 3 - version
        if wrong := [name for name in _OF_VERSION[other] if name in given]:
            raise ValueError(f"{', '.join(wrong)}: for version {other}, and this is {version}")
        if missing := [name for name in _NEEDED[version] if not given.get(name)]:
            raise ValueError(f"version {version} needs {', '.join(missing)}")
        return given

    @model_validator(mode="after")
    def _user_and_password(self) -> Self:
        if bool(self.username) != (self.password is not None):
            raise ValueError("username and password go together")
        return self
