"""Asking the network: a row of the outbox, written in the transaction of the act that needs it."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from rules.states import RequestKind, RequestState
from tables.changes import NetworkRequest
from tables.engine import insert_many

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
    row = NetworkRequest(
        kind=kind, line=line, change=change, item=item, msisdn=msisdn, payload=_payload(content), actor=actor, requested_at=now,
        next_at=now,
    )  # fmt: skip
    await row.save()
    return int(row.id)


async def ask_many(asked: Sequence[tuple[RequestKind, str, int, int, Mapping[str, Any]]], *, actor: str, now: datetime) -> None:
    """The same for changes of many lines: kind, number, line, change, content of each."""
    table = NetworkRequest
    columns = [table.kind, table.msisdn, table.line, table.change, table.payload]
    columns += [table.state, table.actor, table.requested_at, table.next_at]
    rows = [
        [kind.value, number, line, change, _payload(content), RequestState.queued.value, actor, now, now]
        for kind, number, line, change, content in asked
    ]
    await insert_many(table, columns, rows)


def _payload(content: Mapping[str, Any]) -> str:
    return json.dumps({name: _text(content.get(name)) for name in CONTENT}, ensure_ascii=False)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value or "")
