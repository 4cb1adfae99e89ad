"""The stock of SIM cards: what there is of each batch, one card with its story, its codes shown on demand."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from piccolo.columns import Column
from piccolo.query.functions.aggregate import Count

from jobs.imports.sims import opened
from jobs.imports.store import select_in
from rules import msisdn
from rules.errors import RuleError
from rules.states import SimState
from tables.engine import transaction
from tables.fleet import Line, Sim, SimBatch
from tables.timeline import story, tell

Row = dict[str, Any]
ON_A_PAGE = 50
MOST_THRESHOLD = 1_000_000
SHOWN = (Sim.id, Sim.iccid, Sim.imsi, Sim.kind, Sim.state, Sim.batch, Sim.msisdn, Sim.created_at)


class UnknownCard(RuleError):
    """A card that is not in the stock."""

    status = 404


class UnknownCode(RuleError):
    """A code that the card does not have."""

    status = 404


class UnknownBatch(RuleError):
    status = 404


class BadThreshold(RuleError):
    """A threshold that is no count of cards."""


@dataclass(frozen=True)
class Search:
    """What a list is narrowed to; `iccid` and `number` are ends, in any writing. Empty = all."""

    state: str = ""
    batch: str = ""
    kind: str = ""
    iccid: str = ""
    number: str = ""

    def conditions(self) -> list[Any]:
        exact = ((Sim.state, self.state), (Sim.batch, self.batch), (Sim.kind, self.kind))
        found: list[Any] = [column == value for column, value in exact if value]
        if self.iccid:
            found.append(ends_with(Sim.iccid, self.iccid))
        if self.number:
            number = whole_number(self.number)
            held = Line.select(Line.sim).where(ends_with(Line.msisdn, number), Line.sim.is_not_null())
            found.append(ends_with(Sim.msisdn, number) | Sim.id.is_in(held))
        return found


def ends_with(column: Column, text: str) -> Any:
    """Whether a column ends with the digits of a text; one without any finds nothing."""
    digits = "".join(letter for letter in text if letter in "0123456789")
    return column.like(f"%{digits[:20]}") if digits else column == "?"


def whole_number(text: str) -> str:
    """A telephone number in any writing as it is stored; what is no whole number stays."""
    try:
        return msisdn.line_number(text[:40])
    except RuleError:
        return text


async def listing(search: Search, limit: int = ON_A_PAGE, offset: int = 0) -> tuple[list[Row], int]:
    """A page of cards, each with the number of its `line`; and how many there are in all. Never their codes."""
    conditions = search.conditions()
    rows = await Sim.select(*SHOWN).where(*conditions).order_by(Sim.id).limit(limit).offset(offset)
    lines = await lines_of([row["id"] for row in rows])
    return [row | {"line": lines.get(row["id"], {}).get("msisdn", "")} for row in rows], await Sim.count().where(*conditions)


async def ids_of(search: Search, limit: int) -> list[int]:
    """The cards of a search, at most so many."""
    return await Sim.select(Sim.id).where(*search.conditions()).order_by(Sim.id).limit(limit).output(as_list=True)


async def lines_of(ids: list[int]) -> dict[int, Row]:
    """The line that holds each card, where one does."""
    return {row["sim"]: row for row in await select_in([Line.sim, Line.id, Line.msisdn, Line.state], Line.sim, ids)}


@dataclass
class Batch:
    """`counts`: cards by state. `threshold` 0: nobody watches it."""

    name: str
    threshold: int = 0
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def left(self) -> int:
        return self.counts[SimState.in_stock.value]

    @property
    def low(self) -> bool:
        return self.left < self.threshold


async def stock() -> list[Batch]:
    """Every batch, those that run low first."""
    batches: dict[str, Batch] = {}
    for row in await Sim.select(Sim.batch, Sim.state, Count(alias="cards")).group_by(Sim.batch, Sim.state):
        batches.setdefault(row["batch"], Batch(row["batch"])).counts[row["state"]] = row["cards"]
    for row in await SimBatch.select():
        batches.setdefault(row["name"], Batch(row["name"])).threshold = row["alert_threshold"]
    return sorted(batches.values(), key=lambda batch: (not batch.low, batch.name))


async def low_stock() -> list[Batch]:
    """The batches of which fewer cards are left than their threshold asks for."""
    return [batch for batch in await stock() if batch.low]


async def set_threshold(name: str, threshold: str, *, actor: str, now: datetime) -> None:
    """Watch a batch from so many cards on; 0 = no longer. Raises UnknownBatch, BadThreshold."""
    figure = threshold.strip() or "0"
    if not (figure.isascii() and figure.isdigit() and len(figure) <= 9 and int(figure) <= MOST_THRESHOLD):
        raise BadThreshold(f"« {threshold[:40]} » n'est pas un seuil. Donnez un nombre de cartes ; 0 = aucune alerte.")
    async with transaction():
        known = await SimBatch.select().where(SimBatch.name == name).first()
        if not known and not await Sim.exists().where(Sim.batch == name):
            raise UnknownBatch(f"Aucune carte dans le lot « {name[:60]} ». Relisez son nom dans la liste des lots.")
        before = known["alert_threshold"] if known else 0
        if before == int(figure):
            return
        row = SimBatch(name=name, alert_threshold=int(figure))
        query = SimBatch.insert(row).on_conflict(target=SimBatch.name, action="DO UPDATE", values=[SimBatch.alert_threshold])
        (batch,) = await query.returning(SimBatch.id)
        old, new = ({"alert_threshold": level} for level in (before, int(figure)))
        await tell(actor, "threshold", "sim_batch", batch["id"], old, new, now)


async def card(iccid: str) -> Row:
    """A card with its `line`, its `history` (latest first), and the names of its `codes`. Raises UnknownCard."""
    found = await _stored(iccid)
    codes = [name for name, value in opened(found.pop("secrets")).items() if value]
    lines = await lines_of([found["id"]])
    return found | {"codes": codes, "line": lines.get(found["id"]), "history": await story("sim", found["id"])}


async def unmask(iccid: str, code: str, *, actor: str, now: datetime) -> str:
    """What one code of a card says: the journal keeps who asked and which, never what. Raises UnknownCard, UnknownCode."""
    found = await _stored(iccid)
    value = str(opened(found["secrets"]).get(code, ""))
    if not value:
        raise UnknownCode("Cette carte n'a pas ce code. Revenez à sa fiche : ceux qu'elle a y sont nommés.")
    async with transaction():
        await tell(actor, "code_shown", "sim", found["id"], after={"code": code}, at=now)
    return value


async def _stored(iccid: str) -> Row:
    found = await Sim.select(*SHOWN, Sim.blocked_from, Sim.secrets).where(Sim.iccid == iccid).first()
    if found is None:
        raise UnknownCard(f"La carte « {iccid[:40]} » n'est pas dans le stock. Relisez son numéro, ou importez-la.")
    return found
