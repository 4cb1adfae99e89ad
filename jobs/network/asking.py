"""Asking the network: a row of the outbox, written in the transaction of the act that needs it."""

import json
from datetime import date, datetime
from typing import Any

from rules.states import RequestKind
from tables.changes import NetworkRequest

CONTENT = ("iccid", "new_iccid", "rio", "porting_date", "user_name", "options")
"""What a request may carry beside its kind and its number (formats.md)."""


async def ask(
    kind: RequestKind,
    *,
    actor: str,
    now: datetime,
    msisdn: str = "",
    line: int | None = None,
    change: int | None = None,
    item: int | None = None,
    **content: Any,
) -> int:
    """The key of the request, still to be sent. `content`: those of CONTENT that it needs."""
    carried = {name: _text(content.get(name)) for name in CONTENT}
    row = NetworkRequest(
        kind=kind, line=line, change=change, item=item, msisdn=msisdn, payload=json.dumps(carried, ensure_ascii=False),
        actor=actor, requested_at=now, next_at=now,
    )  # fmt: skip
    await row.save()
    return int(row.id)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value or "")
