"""The audit: walks all that the record rests on and names whatever is not as it was written.

    anchors  numbers ▸ links ▸ signatures ▸ keys ▸ anchors.log ▸ the copy outside
    signed   every (incident, event, hash) an anchor names is there, or went by retention
    events   each chain link by link ▸ heads ▸ rows ▸ numbers without gaps
    digests  texts ▸ evidence

Reads in short pages, beside a gateway that may be writing; what went on between two pages is
looked at again in one snapshot. Memory does not grow with the record.
"""

from __future__ import annotations

from gateway.record.anchored import Anchored
from gateway.record.digests import Digests
from gateway.record.events import Events
from gateway.record.terms import Progress, Read, Report, Terms, quiet


async def audit(read: Read, terms: Terms, progress: Progress = quiet) -> Report:
    """Look at everything. Raises ``Unavailable`` and ``OSError`` when something can not be read."""
    report = Report()
    await Anchored(read, terms, report).walk(progress)
    await Events(read, terms, report, Digests(read, terms, report)).walk(progress)
    return report
