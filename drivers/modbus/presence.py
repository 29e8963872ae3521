"""Whether a slave is there, and when to ask it again: a dead one must not cost the living. Pure."""

from __future__ import annotations

from typing import Final

_FIRST_PAUSE: Final = 1.0
"""Seconds; doubles with each further silence of a slave that is gone."""
_DOUBLINGS: Final = 12


class Presence:
    """One slave's. ``online`` is None until it has answered, or has been given up, once."""

    def __init__(self, retries: int, timeout: float, backoff: float) -> None:
        self._retries = retries
        self._timeout = timeout
        self._backoff = backoff
        self.failures = 0
        """Questions without an answer since the last answer."""
        self.online: bool | None = None

    def answered(self) -> bool:
        """Whether that changes what is known of it."""
        self.failures = 0
        changed, self.online = self.online is not True, True
        return changed

    def silent(self) -> bool:
        """One question went unanswered; whether the slave counts as gone from now on."""
        self.failures += 1
        if self.failures <= self._retries or self.online is False:
            return False
        self.online = False
        return True

    def pause(self) -> float:
        """Seconds until it may be asked again.

        Never less than one timeout: an answer that comes late must not be taken for the answer
        to the next question (RTU does not say which question it answers).
        """
        beyond = self.failures - self._retries - 1
        if beyond < 0:
            return self._timeout
        longer = _FIRST_PAUSE * float(1 << min(beyond, _DOUBLINGS))
        return max(self._timeout, min(self._backoff, longer))
