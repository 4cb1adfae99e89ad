"""One price edited: a new version of the rate table from a day on, every other row copied as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from jobs import prices
from jobs.imports.store import named
from jobs.lawful import NotLawful, lawful
from rules.errors import RuleError
from rules.files import cells
from rules.files.kinds import RATES
from rules.files.rows import Column, Kind, shown
from rules.paris import Month, french_date
from rules.rate_changes import FIGURES, Change, compare
from tables.billing import BillingRun
from tables.catalogue import Rate, RateVersion
from tables.engine import NOT_UNIQUE, insert_many, transaction
from tables.timeline import tell

Row = dict[str, Any]
START = Kind("start", (Column("valid_from", cells.iso_date),), ("valid_from",))


class BadDay(RuleError):
    """A day on which no version may begin: another begins or rules then, or its month is billed."""


class BadPrice(RuleError):
    """Figures that make no version."""


@dataclass(frozen=True)
class Edit:
    """A price not saved yet. `row`: as stored, with `code` and `since` of its version; `values`, `problems`: of the form, by
    field; `until`: the day on which a later version, already there, takes over."""

    row: Row
    values: dict[str, str]
    problems: dict[str, str]
    rows: list[Row]
    changes: list[Change]
    start: date | None
    until: date | None


async def edit(rate_id: int, given: Mapping[str, str]) -> Edit:
    """What would be saved, from the figures and `valid_from` of a form. Raises prices.UnknownRates."""
    stored = await Rate.select(Rate.version, *named(Rate, ["id", *prices.NAMES])).where(Rate.id == rate_id).first()
    if stored is None:
        raise prices.UnknownRates("Ce tarif n'existe pas. Revenez à la liste des grilles.")
    of = await prices.version(stored["version"])
    values = {name: shown(stored[name]) for name in FIGURES} | {"valid_from": ""}
    values |= {name: given[name].strip() for name in values if name in given}
    row, problems, start, until = stored, {}, None, None
    try:
        row = stored | lawful(RATES, {name: values.get(name, stored[name]) for name in prices.NAMES})
    except NotLawful as refusal:
        problems = {error["field"]: error["message"] for error in refusal.errors}
    try:
        start = lawful(START, values)["valid_from"]
        until = await _room(of, start)
    except (NotLawful, BadDay) as refusal:
        problems["valid_from"] = str(refusal)
    old = await prices.rows_of(of["id"])
    rows = [row if each["id"] == rate_id else each for each in old]
    changes = [] if problems else compare(old, rows)
    return Edit(stored | {"code": of["code"], "since": of["valid_from"]}, values, problems, rows, changes, start, until)


async def _room(of: Row, start: date) -> date | None:
    """The day on which a later version begins, if there is one. Raises BadDay when a copy of this one may not begin then."""
    billed = BillingRun.select(BillingRun.month).where(BillingRun.validated_at.is_not_null())
    last = await billed.order_by(BillingRun.month, ascending=False).first()
    if last and str(Month.of(start)) <= last["month"]:
        month = Month.parse(last["month"])
        raise BadDay(f"Le mois {month.of_french} est facturé. Choisissez un jour à partir du {french_date(month.next.first)}.")
    days = await RateVersion.select(RateVersion.valid_from).where(RateVersion.rate_table == of["rate_table"]).output(as_list=True)
    if start in days:
        raise BadDay(f"Une version de cette grille commence déjà le {french_date(start)}. Choisissez un autre jour.")
    if (ruling := max((day for day in days if day <= start), default=start)) != of["valid_from"]:
        raise BadDay(
            f"Le {french_date(start)}, c'est la version du {french_date(ruling)} qui vaut. Modifiez le prix dans celle-là."
            if ruling < start
            else f"Cette version vaut à partir du {french_date(of['valid_from'])}. Choisissez un jour après celui-là."
        )
    return min((day for day in days if day > start), default=None)


async def save(rate_id: int, given: Mapping[str, str], actor: str, now: datetime) -> int:
    """Write the version of an edit; its id. Raises BadPrice, BadDay."""
    made = await edit(rate_id, given)
    if made.problems or made.start is None:
        raise BadPrice(" ".join(made.problems.values()))
    if not made.changes:
        raise BadPrice("Aucun prix ne change. Changez un chiffre, ou revenez à la grille.")
    of = await prices.version(made.row["version"])
    try:
        async with transaction():
            await _room(of, made.start)
            version = RateVersion(rate_table=of["rate_table"], valid_from=made.start, rows=len(made.rows), created_at=now)
            await version.save()
            copied = [[version.id, *(row[name] for name in prices.NAMES)] for row in made.rows]
            await insert_many(Rate, named(Rate, ["version", *prices.NAMES]), copied)
            told = {name: made.row[name] for name in ("origin", "type", "direction", "prefix")}
            change = made.changes[0]
            before = told | {"version": of["id"]} | {name: shown(value) for name, value in change.before.items()}
            after = told | {name: shown(value) for name, value in change.after.items()}
            await tell(actor, "price_changed", "rate_version", version.id, before, after, now)
    except NOT_UNIQUE:
        raise BadDay(
            f"Une version de cette grille commence déjà le {french_date(made.start)}. Choisissez un autre jour."
        ) from None
    return int(version.id)
