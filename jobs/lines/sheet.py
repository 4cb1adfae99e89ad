"""A line as the API and its page tell it."""

import json
from datetime import datetime
from typing import Any

from jobs.lines.back import words_of
from jobs.lines.held import Held, Row, load
from jobs.lines.verbs import UnknownLine
from jobs.lines.writing import plain
from rules import msisdn as numbers
from rules.paris import paris_date
from rules.states import (
    BARRED,
    UNSETTLED,
    ChangeKind,
    ChangeState,
    International,
    LineState,
    OfferKind,
    RequestKind,
    RequestState,
)
from tables.changes import LineChange, NetworkRequest
from tables.fleet import Line
from tables.timeline import story

BARRINGS = {state: barring for barring, state in BARRED.items()}
OTHER_EVENTS = {"opened": "Ouverte", "closed": "Fermée"}


async def find(written: str, now: datetime) -> int:
    """The key of the line of a number in any form: the one live today, else the latest. Raises UnusableNumber, UnknownLine."""
    number, today = numbers.line_number(written), paris_date(now)
    rows = await Line.select(Line.id, Line.activated_on, Line.terminated_on, Line.state).where(Line.msisdn == number)
    real = [row for row in rows if row["state"] != LineState.cancelled] or rows
    if not real:
        raise UnknownLine(f"Aucune ligne n'a le numéro {numbers.format(number)}. Relisez-le.")
    begun = [row for row in real if row["activated_on"] <= today]
    live = [row for row in begun if row["terminated_on"] is None or today <= row["terminated_on"]]
    return int(max(live or real, key=lambda row: row["activated_on"])["id"])


async def sheet(msisdn: str, now: datetime) -> Row:
    """All that there is to tell of a line; dates and prices as JSON has them. Raises UnusableNumber, UnknownLine."""
    key = await find(msisdn, now)
    held = (await load([key]))[key]
    row, today = held.row, paris_date(now)
    day = min(max(today, row["activated_on"]), row["terminated_on"] or today)
    items = held.on(day) or [held.offer(day)]
    state = LineState(row["state"])
    served = LineState(row["state_before"]) if state == LineState.termination_scheduled else state
    requests = await _requests(key)
    changes = [_change(change) for change in held.planned]
    return {
        "id": key,
        "msisdn": row["msisdn"],
        "customer_number": row["customer.customer_number"],
        "customer_name": row["customer.company_name"],
        "state": state.value,
        "state_label": state.label,
        "iccid": row["sim.iccid"],
        "user_name": row["user_name"],
        "activated_on": plain(row["activated_on"]),
        "terminated_on": plain(row["terminated_on"]),
        "ported_to": row["ported_to"],
        "offer": next((item["offer.code"] for item in items if item.get("kind") == OfferKind.offer), None),
        "options": [item["offer.code"] for item in items if item.get("kind") == OfferKind.option],
        "items": [_item(item) for item in items if item],
        "rate_table": row["rate_table.code"],
        "commitment": _commitment(held, today),
        "barring": str(BARRINGS[served]) if served in BARRINGS else None,
        "international": row["international"],
        "international_label": International(row["international"]).label,
        "pending": [*changes, *(one for one in requests if one["state"] in UNSETTLED)],
        "requests": requests,
        "timeline": [_told(entry) for entry in await story("line", key)],
    }


def _item(item: Row) -> Row:
    discounts = [
        {name: plain(discount[name]) for name in ("percent", "amount", "until") if discount[name] is not None}
        for discount in item["discounts"]
    ]
    names = ("kind", "terms", "monthly_price", "starts_on", "ends_on")
    told = {name: plain(item[name]) for name in names} | {"discounts": discounts}
    return {"code": item["offer.code"], "label": item["offer.label"], "list_price": plain(item["offer.monthly_price"])} | told


def _commitment(held: Held, today: Any) -> Row:
    """`months_gone` of `months`, the month begun included; `fee_today_cents` excl. VAT, were the line to end today."""
    row, bound = held.row, held.commitment
    found = {"type": row["commitment_type.code"], "label": row["commitment_type.label"]}
    if bound is None:
        return found | {"starts_on": None, "ends_on": None, "months": 0, "months_gone": 0, "fee_today_cents": 0}
    return found | {
        "starts_on": plain(bound.starts_on),
        "ends_on": plain(bound.ends_on),
        "months": bound.months,
        "months_gone": bound.months_gone(today),
        "fee_today_cents": held.fee_cents(today),
    }


def _change(change: Row) -> Row:
    """A planned change, which `cancel-change` takes back by its `id` until its day."""
    kind, words = ChangeKind(change["kind"]), words_of(change)
    return {
        "type": "change",
        "id": change["id"],
        "kind": kind.value,
        "label": kind.label,
        "state": change["state"],
        "effective_on": plain(change["effective_on"]),
        "asked": json.loads(change["asked"]),
        "from": words[0],
        "to": words[1],
        "reason": change["reason"],
        "actor": change["actor"],
        "requested_at": plain(change["created_at"]),
    }


async def _requests(key: int) -> list[Row]:
    """What the network was asked for this line, latest first, with when it was asked and answered."""
    table = NetworkRequest
    found = await table.select().where(table.line == key).order_by(table.id, ascending=False)
    words = {change["id"]: words_of(change) for change in await LineChange.select().where(LineChange.line == key)}
    rows = []
    for row in found:
        before, after = words.get(row["change"], ("", ""))
        kind = RequestKind(row["kind"])
        rows.append(
            {
                "type": "request",
                "id": row["id"],
                "change": row["change"],
                "kind": kind.value,
                "label": kind.label,
                "state": row["state"],
                "state_label": RequestState(row["state"]).label,
                "from": before,
                "to": after,
                "reason": row["reason"],
                "actor": row["actor"],
                "requested_at": plain(row["requested_at"]),
                "sent_at": plain(row["sent_at"]),
                "settled_at": plain(row["settled_at"]),
                "effective_on": plain(row["effective_on"]),
            }
        )
    return rows


def _told(entry: Row) -> Row:
    """An entry of the journal in French: what, from, to, why."""
    before, after = entry["before"], entry["after"]
    return {
        "at": plain(entry["at"]),
        "actor": entry["actor"],
        "event": entry["event"],
        "label": _label(entry["event"]),
        "from": before.get("from", ""),
        "to": after.get("to", ""),
        "on": after.get("on"),
        "reason": after.get("reason", ""),
        "before": before,
        "after": after,
    }


def _label(event: str) -> str:
    """« Changer l'utilisateur, programmé » of `rename_planned`."""
    name, _, what = event.rpartition("_")
    kind = next((kind for kind in ChangeKind if kind.value.lower() == name), None)
    states = {state.value: state.label.lower() for state in ChangeState} | {"confirmed": "confirmé par le réseau"}
    return f"{kind.label}, {states[what]}" if kind and what in states else OTHER_EVENTS.get(event, event)
