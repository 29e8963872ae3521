"""Options of the notifier ``apprise``."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.notifiers.apprise.address import check_service
from gateway.options import Duration, PluginOptions, QuotaOptions, Secret


def _service(value: Secret) -> Secret:
    """Where the secret is at hand, a service that is not for apprise is refused by the check."""
    try:
        url = value.reveal()
    except ValueError:
        return value  # this machine does not hold it: it is looked at again before each message
    check_service(url)
    return value


class Options(PluginOptions):
    """Which service."""

    url: Annotated[Secret, AfterValidator(_service)]
    """A URL of apprise, all of which is secret; ``{account}``, ``{phone}`` and ``{email}`` are the
    person's."""
    timeout: Annotated[Duration, Field(gt=0, le=60)] = 15.0
    """Of one message; half of it for one connection."""
    quotas: tuple[QuotaOptions, ...] = Field((), max_length=4)
