"""Writing deeds, many at once, in the transaction under way, with what the network is asked and what the journal keeps."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jobs.lines.deeds import Deed, Effect
from jobs.lines.held import Row
from jobs.network.asking import ask_many
from rules.states import ChangeKind, ChangeState, ChargeKind, ProductKind, SimState
from tables.changes import LineChange
from tables.charges import Charge
from tables.engine import insert_many, reserve_ids, update_many
from tables.fleet import Discount, Line, LineItem, Sim
from tables.timeline import tell_many

FEE = "Frais de résiliation anticipée"
_CHANGE = ("line", "kind", "state", "effective_on", "asked", "before", "once", "reason", "actor", "created_at", "done_at")
_ITEM = ("line", "kind", "offer", "position", "monthly_price", "terms", "starts_on", "ends_on", "taken_over_until")
_CHARGE = (
    "customer", "line", "kind", "nature", "label", "quantity", "unit_price", "vat_rate", "terms", "starts_on", "reason", "actor",
    "created_at",
)  # fmt: skip


async def write(deeds: Sequence[Deed], *, actor: str, now: datetime, changes: Sequence[Row] = ()) -> list[Effect]:
    """Each with the key of its change. `changes`: those that these deeds carry out, when they were planned before."""
    if not deeds:
        return []
    keys = [change["id"] for change in changes] or list(await reserve_ids(LineChange, len(deeds)))
    former = [json.loads(change["before"]) for change in changes] or [{} for _ in deeds]
    kept = [_merged(old, _before(deed)) for old, deed in zip(former, deeds, strict=True)]
    await _lines(deeds)
    await _cards(deeds, actor, now)
    await _items(deeds, kept)
    await _charges(deeds, kept, actor, now)
    if changes:
        await update_many(LineChange.before, {key: _json(before) for key, before in zip(keys, kept, strict=True)})
        await update_many(LineChange.state, {key: deed.state.value for key, deed in zip(keys, deeds, strict=True)})
        await update_many(LineChange.done_at, dict.fromkeys(keys, now))
    else:
        rows = [[key, *_row(deed, before, actor, now)] for key, deed, before in zip(keys, deeds, kept, strict=True)]
        await insert_many(LineChange, _columns(LineChange, ("id", *_CHANGE)), rows)
    asked = [
        (deed.request, deed.effect.msisdn, deed.effect.line, key, deed.content)
        for key, deed in zip(keys, deeds, strict=True)
        if deed.request
    ]
    await ask_many(asked, actor=actor, now=now)
    for name in dict.fromkeys(event(deed.act.kind, deed.state) for deed in deeds):
        told = zip(keys, deeds, strict=True)
        await tell_many(now, actor, name, [_story(key, deed) for key, deed in told if event(deed.act.kind, deed.state) == name])
    return [replace(deed.effect, change=key) for key, deed in zip(keys, deeds, strict=True)]


def _row(deed: Deed, before: Row, actor: str, now: datetime) -> list[Any]:
    act, done = deed.act, deed.state == ChangeState.done
    return [
        deed.effect.line, act.kind.value, deed.state.value, act.effective_on, _json(dict(act.asked)), _json(before),
        act.once or None, act.reason, actor, now, now if done else None,
    ]  # fmt: skip


def event(kind: ChangeKind, what: str) -> str:
    """How the journal of a line calls it: `rename_done`."""
    return f"{kind.value.lower()}_{what}"


def _merged(old: Row, new: Row) -> Row:
    """From what there was before an act was planned to what it became on its day."""
    found = old | new
    for part in ("columns", "cards"):
        first, last = old.get(part, {}), new.get(part, {})
        found[part] = {name: [first.get(name, last.get(name))[0], last.get(name, first.get(name))[1]] for name in first | last}
    return found


def _columns(table: Any, names: Sequence[str]) -> list[Any]:
    return [table._meta.get_column_by_name(name) for name in names]


def plain(value: Any) -> Any:
    """As JSON keeps it."""
    return (
        value.isoformat() if isinstance(value, date) else format(value.normalize(), "f") if isinstance(value, Decimal) else value
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=plain)


def _before(deed: Deed) -> Row:
    """What is needed to come back: of each column and card what it was and what it became."""
    row = deed.held.row
    found: Row = {"words": [deed.effect.before, deed.effect.after]} if deed.effect.after else {}
    if deed.columns:
        found["columns"] = {name: [plain(row[name]), plain(value)] for name, value in deed.columns.items()}
    if deed.cards:
        found["cards"] = {str(card): [was.value, became.value] for card, (was, became) in deed.cards.items()}
    if deed.ended:
        ends = {item["id"]: item["ends_on"] for item in deed.held.items}
        found["ended"] = {str(item): [plain(ends[item]), plain(day)] for item, day in deed.ended.items()}
    return found


def _story(key: int, deed: Deed) -> tuple[str, int, Row, Row]:
    """Before → after, in words, with why."""
    act = deed.act
    after = {"change": key, "to": deed.effect.after, "on": plain(act.effective_on)} | (
        {"reason": act.reason} if act.reason else {}
    )
    if deed.effect.fee_cents:
        after["fee_cents"] = deed.effect.fee_cents
    return "line", deed.effect.line, {"from": deed.effect.before}, after


async def _lines(deeds: Sequence[Deed]) -> None:
    for name in dict.fromkeys(name for deed in deeds for name in deed.columns):
        values = {deed.effect.line: deed.columns[name] for deed in deeds if name in deed.columns}
        await update_many(Line._meta.get_column_by_name(name), values)


async def _cards(deeds: Sequence[Deed], actor: str, now: datetime) -> None:
    await move_cards({card: (*move, deed.act.kind.label) for deed in deeds for card, move in deed.cards.items()}, actor, now)


async def move_cards(moves: Mapping[int, tuple[SimState, SimState, str]], actor: str, now: datetime) -> None:
    """From, to, why: each card with its entry in the journal."""
    await update_many(Sim.state, {card: became.value for card, (_, became, _) in moves.items()})
    stories = [("sim", card, {"state": was}, {"state": became, "reason": why}) for card, (was, became, why) in moves.items()]
    await tell_many(now, actor, "state", stories)


async def _items(deeds: Sequence[Deed], kept: list[Row]) -> None:
    await update_many(LineItem.ends_on, {item: day for deed in deeds for item, day in deed.ended.items()})
    begun = [(deed, before, item) for deed, before in zip(deeds, kept, strict=True) for item in deed.begun]
    if not begun:
        return
    rows, discounts = [], []
    for key, (deed, before, item) in zip(await reserve_ids(LineItem, len(begun)), begun, strict=True):
        before.setdefault("begun", {})[str(key)] = plain(item["ends_on"])
        values = item | {"line": deed.effect.line}
        rows.append([key, *(str(values[name]) if name in ("kind", "terms") else values[name] for name in _ITEM)])
        discounts += [[key, one["percent"], one["amount"], one["until"]] for one in item["discounts"]]
    await insert_many(LineItem, _columns(LineItem, ("id", *_ITEM)), rows)
    await insert_many(Discount, [Discount.item, Discount.percent, Discount.amount, Discount.until], discounts)


async def _charges(deeds: Sequence[Deed], kept: list[Row], actor: str, now: datetime) -> None:
    """The fee of an early end; what runs with a line ends with it."""
    ending = {deed.effect.line: (deed.last_day, before) for deed, before in zip(deeds, kept, strict=True) if deed.last_day}
    if not ending:
        return
    running = Charge.select(Charge.id, Charge.line, Charge.ends_on).where(
        Charge.line.is_in(list(ending)), Charge.kind != ChargeKind.one_off
    )
    ends: dict[int, date] = {}
    for row in await running:
        day, before = ending[row["line"]]
        if day and (row["ends_on"] is None or row["ends_on"] > day):
            before.setdefault("charges", {})[str(row["id"])] = [plain(row["ends_on"]), plain(day)]
            ends[row["id"]] = day
    await update_many(Charge.ends_on, ends)
    owed = [(deed, before) for deed, before in zip(deeds, kept, strict=True) if deed.effect.fee_cents]
    rows = []
    for key, (deed, before) in zip(await reserve_ids(Charge, len(owed)) if owed else [], owed, strict=True):
        before["fee"] = key
        act, row, offer = deed.act, deed.held.row, deed.held.offer(deed.act.effective_on)
        price = Decimal(deed.effect.fee_cents) / 100
        rows.append(
            [
                key, row["customer"], row["id"], ChargeKind.one_off.value, ProductKind.service.value, FEE, 1, price,
                offer["offer.vat_rate"], offer["terms"], act.effective_on, act.reason, actor, now,
            ]
        )  # fmt: skip
    await insert_many(Charge, _columns(Charge, ("id", *_CHARGE)), rows)
