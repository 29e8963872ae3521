"""Options of the notifier ``wecom_app``."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.options import Duration, PluginOptions, Secret
from gateway.web import check_url


class Options(PluginOptions):
    """The company, the application, and what the platform says of it on its own pages."""

    corpid: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")
    """The company's id (企业ID)."""
    agentid: int = Field(ge=0, strict=True)
    """The application's id (AgentId)."""
    secret: Secret
    """The application's secret."""
    base: Annotated[str, AfterValidator(check_url)] = "https://qyapi.weixin.qq.com"
    """Another address where the platform is reached through a relay."""
    most_bytes: Annotated[int, Field(ge=512, le=4096)] = 2_048
    """UTF-8 bytes of a text."""
    per_minute: Annotated[int, Field(ge=1, le=1_000)] = 30
    """Messages a minute to one person."""
    refusals: tuple[int, ...] = Field((40001, 40013, 40056, 60020, 81013), max_length=50)
    """Further codes after which the same message is not tried again."""
    timeout: Annotated[Duration, Field(gt=0, le=25)] = 5.0
    """Of each of up to three requests."""
