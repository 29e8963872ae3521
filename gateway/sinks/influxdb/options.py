"""Options of the sink ``influxdb``."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from gateway.model.series import SERIES, SERIES_FIELDS
from gateway.options import Duration, Secret, SinkOptions
from gateway.web import check_url

_VERSION_OF: Final = {
    "database": (1, 3),
    "retention_policy": (1,),
    "username": (1,),
    "password": (1,),
    "org": (2,),
    "bucket": (2,),
    "token": (2, 3),
}
_NEEDED: Final = ("database", "org", "bucket", "token")


_TAKEN: Final = SERIES_FIELDS | {"time"} | {tag for tags in SERIES.values() for tag in tags}


def _tag(name: str) -> str:
    if name in _TAKEN or name.startswith("_"):
        raise ValueError(f"{name!r} can not be a tag of yours: it has a meaning already")
    return name


_Short = Annotated[str, Field(min_length=1, max_length=200)]


class Options(SinkOptions):
    """``version`` decides which of the others are wanted."""

    url: Annotated[str, AfterValidator(check_url)]
    """``http://host:8086``; a path before ``/write`` is kept."""
    version: Literal[1, 2, 3] = 1
    """1: ``/write``; 2: ``/api/v2/write``; 3: ``/api/v3/write_lp``."""

    database: Annotated[
        str, Field(max_length=200, pattern=r"^[^\"\\]*$", validate_default=True)
    ] = ""
    """Without double quote and backslash: it stands in a statement."""
    retention_policy: Annotated[str, Field(max_length=200)] = ""
    """"": the database's default."""
    username: Annotated[str, Field(max_length=200, pattern=r"^[^:]*$")] = ""
    password: Secret | None = None
    create_database: bool = True
    """Create ``database`` when the server does not have it; version 1 only."""

    org: Annotated[str, Field(max_length=200, validate_default=True)] = ""
    bucket: Annotated[str, Field(max_length=200, validate_default=True)] = ""
    token: Annotated[Secret | None, Field(validate_default=True)] = None

    tags: dict[Annotated[_Short, AfterValidator(_tag)], _Short] = Field({}, max_length=8)
    """Tags of every point, like ``{site: 云河社区}``."""
    gzip: Annotated[int, Field(ge=0, le=9)] = 1
    """zlib level; 0 sends plain text."""
    timeout: Annotated[Duration, Field(gt=0, le=300)] = 10.0

    @field_validator(*_VERSION_OF)
    @classmethod
    def _belongs_to_the_version(cls, value: Any, info: ValidationInfo) -> Any:
        name, version = str(info.field_name), info.data.get("version")
        if version is None or name not in _VERSION_OF:  # its own error says it
            return value
        mine = _VERSION_OF[name]
        if version in mine and name in _NEEDED and not value:
            raise ValueError(f"version {version} needs {name}")
        if version not in mine and value:
            of = "/".join(map(str, mine))
            raise ValueError(f"{name} is for version {of}, and this is version {version}")
        return value

    @model_validator(mode="after")
    def _user_and_password(self) -> Self:
        if bool(self.username) != (self.password is not None):
            raise ValueError("username and password go together")
        return self
