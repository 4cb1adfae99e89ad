"""Taking a change back: line, cards, items and charges as they were, when nothing since has changed them."""

import json
from datetime import date, datetime, timedelta
from typing import Any

from jobs.charges import take_away
from jobs.lines.held import Held, Row, hold, load
from jobs.lines.writing import event, move_cards, plain
from rules.errors import RuleError
from rules.moves import IllegalState, check
from rules.states import CHANGE_MOVES, LINE_MOVES, ChangeKind, ChangeState, LineState, SimState
from tables.changes import LineChange
from tables.charges import Charge
from tables.engine import update_many
from tables.fleet import Line, LineItem, Sim
from tables.timeline import tell

DATES = ("terminated_on", "commitment_start")


class ChangedSince(RuleError):
    """Something else moved what would be put back."""

    status = 409


def words_of(change: Row) -> tuple[str, str]:
    """What it changes from and to, as it was said when it was asked."""
    before, after = json.loads(change["before"]).get("words", ("", ""))
    return before, after


async def held_change(key: int) -> Row | None:
    """In the transaction under way: a change as it is once its line is held."""
    if line := await LineChange.select(LineChange.line).where(LineChange.id == key).output(as_list=True):
        await hold(line)
    return await LineChange.select().where(LineChange.id == key).first()


async def settle(change: Row, state: ChangeState, why: str, *, actor: str, now: datetime) -> str:
    """In the transaction under way, its line held: the change refused or cancelled, the line as it was before it.

    What could not be put back is said: a French sentence, empty when all was.
    """
    kind, words = ChangeKind(change["kind"]), words_of(change)
    check(CHANGE_MOVES, ChangeState(change["state"]), state)
    kept = ""
    try:
        await _put_back(change, (await load([change["line"]]))[change["line"]], actor, now)
    except RuleError as problem:
        kept = str(problem)
    refusal = " ".join(filter(None, [why, kept])) if state == ChangeState.refused else ""
    await LineChange.update({LineChange.state: state, LineChange.refusal: refusal}).where(LineChange.id == change["id"])
    after = {"change": change["id"], "to": words[1] if kept else words[0], "reason": refusal or why}
    await tell(actor, event(kind, state), "line", change["line"], {"from": words[1]}, after, now)
    return kept


async def _put_back(change: Row, held: Held, actor: str, now: datetime) -> None:
    """All or nothing. Raises IllegalState, ChangedSince."""
    before, row = json.loads(change["before"]), held.row
    columns = before.get("columns", {})
    await _check(columns, before, held)
    cards = {int(card): (SimState(was), SimState(became)) for card, (was, became) in before.get("cards", {}).items()}
    states = {card["id"]: card["state"] for card in await Sim.select().where(Sim.id.is_in(list(cards)))} if cards else {}
    if any(states[card] != became for card, (_, became) in cards.items()):
        raise _changed("sa carte")
    for name, (was, _) in columns.items():
        await update_many(_column(name), {row["id"]: _read(name, was)})
    why = f"{ChangeKind(change['kind']).label} : pas fait"
    await move_cards({card: (became, was, why) for card, (was, became) in cards.items()}, actor, now)
    await update_many(LineItem.ends_on, {int(item): _day(was) for item, (was, _) in before.get("ended", {}).items()})
    begun = {
        item["id"]: item["starts_on"] - timedelta(days=1) for item in held.items if str(item["id"]) in before.get("begun", {})
    }
    await update_many(LineItem.ends_on, begun)
    for charge, (was, became) in before.get("charges", {}).items():
        await Charge.update({Charge.ends_on: _day(was)}).where(Charge.id == int(charge), Charge.ends_on == _day(became))
    if fee := before.get("fee"):
        owed = (Charge.id == fee) & (Charge.invoiced.eq(False))
        if await Charge.exists().where(owed):
            await take_away(int(fee))


async def _check(columns: Row, before: Row, held: Held) -> None:
    row = held.row
    if "state" in columns and not LINE_MOVES[LineState(row["state"])]:
        raise IllegalState(f"La ligne reste « {LineState(row['state']).label} », qui est définitif : voyez avec l'opérateur.")
    if any(plain(row[name]) != became for name, (_, became) in columns.items()):
        raise _changed("la ligne")
    ends = {str(item["id"]): plain(item["ends_on"]) for item in held.items}
    expected = {item: became for item, (_, became) in before.get("ended", {}).items()} | before.get("begun", {})
    if any(ends[item] != day for item, day in expected.items()):
        raise _changed("son abonnement")
    if "terminated_on" in columns:
        later = (Line.msisdn == row["msisdn"]) & (Line.activated_on > row["terminated_on"]) & (Line.state != LineState.cancelled)
        if await Line.exists().where(later):
            raise ChangedSince("Ce numéro sert depuis à une autre ligne : celle-ci reste comme elle est.")


def _changed(what: str) -> ChangedSince:
    return ChangedSince(f"Autre chose a changé {what} depuis : elle reste comme elle est. Regardez sa fiche.")


def _column(name: str) -> Any:
    return Line._meta.get_column_by_name(name)


def _read(name: str, value: Any) -> Any:
    return _day(value) if name in DATES else value


def _day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None
