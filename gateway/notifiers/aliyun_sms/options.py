"""Options of the notifier ``aliyun_sms``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.options import Duration, PluginOptions, Secret
from gateway.web import check_url

Fact = Literal["name", "place", "what", "key", "title", "short"]
Template = Annotated[str, Field(pattern=r"^SMS_[0-9]{1,20}$")]


class Options(PluginOptions):
    """An account with an approved signature and approved templates."""

    access_key_id: Secret
    access_key_secret: Secret
    sign_name: str = Field(min_length=2, max_length=40)
    """The approved signature, without its brackets."""
    template: Template
    templates: dict[Annotated[str, Field(pattern=r"^[a-z_]{1,20}$")], Template] = Field(
        {}, max_length=20
    )
    """Purpose -> another template, as ``cleared: SMS_2``."""
    variables: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,40}$")], Fact] = Field(
        {"name": "name", "place": "place", "what": "what", "key": "key"}, max_length=20
    )
    """Variable of the template -> what is written there."""
    longest: int = Field(35, ge=5, le=1_000)
    """Characters of one variable."""
    per_day: int = Field(50, ge=1, le=1_000)
    """Messages to one number in 24 h."""
    spare: int = Field(10, ge=0, le=999)
    """Of these, kept for life safety."""
    url: Annotated[str, AfterValidator(check_url)] = "https://dysmsapi.aliyuncs.com"
    timeout: Annotated[Duration, Field(ge=1, le=25)] = 5.0
