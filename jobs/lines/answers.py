"""What the network answers to the change of a line, told in the transaction that settles its request."""

from datetime import date, datetime
from typing import Any

from jobs.lines.back import held_change, settle
from jobs.lines.writing import event
from rules.states import ChangeKind, ChangeState
from tables.timeline import tell


async def done(request: dict[str, Any], *, msisdn: str, effective_on: date, actor: str, now: datetime) -> None:
    """The change that we had made in our books is confirmed."""
    change = await held_change(request["change"])
    assert change  # the request refers to it
    after = {"change": change["id"], "on": effective_on.isoformat()}
    await tell(actor, event(ChangeKind(change["kind"]), "confirmed"), "line", change["line"], None, after, now)


async def refused(request: dict[str, Any], *, reason: str, actor: str, now: datetime) -> None:
    """The change is refused with its reason; the line is as before it, or it is said what has changed it since."""
    change = await held_change(request["change"])
    assert change  # the request refers to it
    await settle(change, ChangeState.refused, reason, actor=actor, now=now)
