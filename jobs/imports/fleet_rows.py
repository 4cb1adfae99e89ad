"""Writing the lines of a plan: lines, the items that they hold, discounts, and the state of their cards."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from jobs.imports.plan import Change, Plan
from jobs.imports.store import chunks
from rules.errors import RuleError
from rules.files.rows import Values
from rules.states import OfferKind, SimState
from tables.engine import claim, insert_many, reserve_ids, update_many
from tables.fleet import Discount, Line, LineItem, Sim
from tables.invoices import InvoiceLine

LINE: list[tuple[Any, str, str]] = [  # the column, its name in a row, the field of the file that moves it
    (Line.msisdn, "msisdn", "msisdn"),
    (Line.customer, "customer_id", "customer_number"),
    (Line.sim, "sim_id", "iccid"),
    (Line.user_name, "user_name", "user_name"),
    (Line.state, "state", "terminated_on"),
    (Line.rate_table, "table_id", "rate_table"),
    (Line.activated_on, "activated_on", "activated_on"),
    (Line.terminated_on, "terminated_on", "terminated_on"),
    (Line.commitment_type, "commitment_id", "commitment_months"),
    (Line.commitment_start, "commitment_start", "commitment_start"),
    (Line.billed_by_number, "billed_by_number", "billed_by_number"),
    (Line.billed_by_date, "billed_by_date", "billed_by_date"),
]
ON_ITEMS = {"offer", "options", "billing_terms", "billed_until", "discount_percent"}
ITEM = [LineItem.offer, LineItem.monthly_price, LineItem.terms, LineItem.billed_until, LineItem.taken_over_until]
Held = tuple[int, Values, Values]  # the id of a line, its row, an item that it wants


class SimUnavailable(RuleError):
    """A SIM card that is not in stock, or that another row takes."""


async def write_lines(plan: Plan) -> None:
    rows = [row.values for row in plan.created]
    ids = await reserve_ids(Line, len(rows))
    lines = [[id_, *(values[name] for _, name, _ in LINE)] for id_, values in zip(ids, rows, strict=True)]
    changes = sorted(plan.changed, key=_ends_later)
    for column, name, field in LINE:
        await update_many(column, {change.id: change.row.values[name] for change in changes if field in change.after})
    await insert_many(Line, [Line._meta.primary_key, *(column for column, _, _ in LINE)], lines)
    await _hold([(id_, values, item) for id_, values in zip(ids, rows, strict=True) for item in values["wanted"]])
    await _rewrite([change for change in changes if change.after.keys() & ON_ITEMS])
    swapped = [change.row.values for change in changes if "iccid" in change.after]
    for chunk in chunks(values["sim"] for values in swapped):
        await Sim.update({Sim.state: SimState.in_stock}).where(Sim._meta.primary_key.is_in(chunk), Sim.state == SimState.active)
    for chunk in chunks(values["sim_id"] for values in rows + swapped):
        free = (Sim._meta.primary_key.is_in(chunk)) & (Sim.state == SimState.in_stock)
        taken = await claim(Sim, {Sim.state: SimState.active}, free)
        if len(taken) < len(chunk):
            raise SimUnavailable("Une carte du fichier vient d'être prise ailleurs. Rien n'a été enregistré : recommencez.")


def _ends_later(change: Change) -> bool:
    """Lines that now end earlier are written before the others, so that at no time two share a day."""
    before = change.before.get("terminated_on", change.row.values["terminated_on"])
    return (change.row.values["terminated_on"] or date.max) > (before or date.max)


async def _hold(held: Sequence[Held]) -> None:
    """Insert items, and the discount on each offer."""
    ids = await reserve_ids(LineItem, len(held))
    columns = [LineItem._meta.primary_key, LineItem.line, LineItem.kind, LineItem.position, LineItem.starts_on, *ITEM]
    rows = [
        [id_, line, item["kind"], item["position"], values["activated_on"], *_agreed(values, item)]
        for id_, (line, values, item) in zip(ids, held, strict=True)
    ]
    await insert_many(LineItem, columns, rows)
    await _discount((id_, values) for id_, (_, values, item) in zip(ids, held, strict=True) if item["kind"] == OfferKind.offer)


def _agreed(values: Values, item: Values) -> list[Any]:
    return [item["offer"], item["monthly_price"], values["billing_terms"], values["billed_until"], values["billed_until"]]


async def _discount(offers: Iterable[tuple[int, Values]]) -> None:
    rows = [[item, values["discount_percent"]] for item, values in offers if values["discount_percent"]]
    await insert_many(Discount, [Discount.item, Discount.percent], rows)


async def _rewrite(changes: list[Change]) -> None:
    """The items of lines of which nothing is billed, as the file now has them; the same code keeps its version and price."""
    fresh: list[Held] = []
    kept: dict[int, list[Any]] = {}
    offers: dict[int, Values] = {}
    spare: list[int] = []
    for change in changes:
        values = change.row.values
        old = {(item["kind"], item["position"]): item for item in values["items"]}
        for item in values["wanted"]:
            was = old.pop((item["kind"], item["position"]), None)
            if was is None:
                fresh.append((change.id, values, item))
                continue
            kept[was["id"]] = _agreed(values, was if was["code"] == item["code"] else item)
            if item["kind"] == OfferKind.offer:
                offers[was["id"]] = values
        spare += [item["id"] for item in old.values()]
    for rank, column in enumerate(ITEM):
        await update_many(column, {id_: agreed[rank] for id_, agreed in kept.items()})
    for chunk in chunks(offers):
        await Discount.delete().where(Discount.item.is_in(chunk))
    await _discount(offers.items())
    for chunk in chunks(spare):
        await InvoiceLine.update({InvoiceLine.item: None}).where(InvoiceLine.item.is_in(chunk))  # of drafts, to be made again
        await LineItem.delete().where(LineItem._meta.primary_key.is_in(chunk))
    await _hold(fresh)
