"""An order with all that is known of it: its rows, and what the catalogue, the stock and the fleet say of each item."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from jobs import reseller
from jobs.imports.store import select_in
from rules import allowances, msisdn
from rules.errors import RuleError
from rules.iccid import compact
from rules.order_reading import read, read_all
from rules.orders import Bond, Card, Fault, Reading, Shelf, Unit, Version
from rules.paris import paris_date
from rules.porting import Window
from rules.states import LIVING, PORT_MOVES, CallType, OfferKind, OrderItemState, OrderState, PortState, ProductKind
from tables.catalogue import CommitmentType, Device, DeviceUnit, Offer, Product, RateTable
from tables.fleet import Line, Sim
from tables.orders import Order, OrderItem, PortingRequest
from tables.parties import Customer

Row = dict[str, Any]
HIGHEST = 2**53  # a key beyond is none
HOLDING = (OrderItemState.draft, OrderItemState.requested)
RUNNING = tuple(state for state, moves in PORT_MOVES.items() if moves and state != PortState.rejected)


class UnknownOrder(RuleError):
    status = 404


@dataclass
class Case:
    """`items` in their order, each with `asked` as an object; `readings` go with them."""

    order: Row
    customer: Row
    items: list[Row]
    readings: list[Reading]
    shelf: Shelf

    @property
    def draft(self) -> bool:
        return bool(self.order["state"] == OrderState.draft)

    @property
    def faults(self) -> list[Fault]:
        """What keeps the order from being submitted."""
        found = [fault for reading in self.readings for fault in reading.faults]
        if not self.items:
            found.append(Fault("items", "EMPTY_ORDER", "La commande est vide. Ajoutez une ligne mobile ou un service."))
        return found

    @property
    def warnings(self) -> list[Fault]:
        return [warning for reading in self.readings for warning in reading.warnings]


async def find(order_id: int) -> Row:
    """Raises UnknownOrder."""
    found = await Order.select().where(Order.id == order_id).first() if order_id <= HIGHEST else None
    if found is None:
        raise UnknownOrder("Aucune commande de ce numéro. Revenez à la liste des commandes.")
    return found


async def load(order_id: int, now: datetime, only: int | None = None) -> Case:
    """An order judged on the day of its submission, else today; `only`: one of its items. Raises UnknownOrder."""
    order = await find(order_id)
    one = OrderItem.id == only if only else OrderItem.customer_order == order_id
    rows = await OrderItem.select().where(OrderItem.customer_order == order_id, one).order_by(OrderItem.position)
    items = [row | {"asked": json.loads(row["asked"])} for row in rows]
    customer = await Customer.select().where(Customer.id == order["customer"]).first()
    assert customer  # the database holds it
    shelf = await stock(customer, [item["asked"] for item in items], paris_date(order["submitted_at"] or now), order_id)
    if only:
        readings = [read(item["asked"], shelf, f"items[{item['position']}]") for item in items]
    else:
        readings = read_all([item["asked"] for item in items], shelf)
    return Case(order, customer, items, readings, shelf)


async def stock(customer: Row, asked: list[Row], today: date, order_id: int = 0) -> Shelf:
    """What the laws need to know of these items, wanted by an order of the customer."""
    seller = await reseller.current()
    offers: dict[str, dict[str, list[Version]]] = {OfferKind.offer: {}, OfferKind.option: {}}
    for row in await Offer.select().order_by(Offer.valid_from):
        data = any(bucket.type == CallType.data for bucket in allowances.parse(row["allowances"]))
        version = _version(row, row["label"], row["monthly_price"], fee=row["activation_fee"], data=data)
        offers[row["kind"]].setdefault(row["code"], []).append(version)
    products: dict[str, list[Version]] = {}
    for row in await Product.select().order_by(Product.valid_from):
        version = _version(row, row["label"], row["price"], recurring=row["recurring"], nature=row["kind"])
        products.setdefault(row["code"], []).append(version)
    devices: dict[str, list[Version]] = {}
    for row in await Device.select().order_by(Device.valid_from):
        version = _version(row, f"{row['brand']} {row['model']}", row["price"], nature=str(ProductKind.equipment))
        devices.setdefault(row["code"], []).append(version)
    return Shelf(
        today,
        customer["kind"],
        Window(seller.port_after_days, seller.port_before_days, seller.port_working_days),
        offers[OfferKind.offer],
        offers[OfferKind.option],
        products,
        devices,
        {
            row["code"]: Bond(row["id"], row["label"], row["months"], tuple(row["customer_kinds"].split("+")))
            for row in await CommitmentType.select().order_by(CommitmentType.months)
        },
        {row["code"]: row["id"] for row in await RateTable.select().order_by(RateTable.code)},
        await cards_of((compact(one["iccid"]) for one in asked if one.get("iccid")), order_id),
        await _units(one["device"]["imei"] for one in asked if one.get("device", {}).get("imei")),
        await _numbers([one["porting"]["msisdn"] for one in asked if one.get("porting", {}).get("msisdn")], order_id),
    )


def _version(row: Row, label: str, price: Any, **more: Any) -> Version:
    return Version(row["id"], row["code"], label, price, row["vat_rate"], row["valid_from"], **more)


async def cards_of(iccids: Iterable[str], order_id: int) -> dict[str, Card]:
    """The cards of these numbers as an order sees them."""
    found = await select_in([Sim.id, Sim.iccid, Sim.state], Sim.iccid, iccids)
    order: Any = OrderItem.customer_order
    columns = [OrderItem.sim, OrderItem.state, order, order.number.as_alias("number")]
    held = {
        row["sim"]: row
        for row in await select_in(columns, OrderItem.sim, (row["id"] for row in found))
        if row["state"] in HOLDING
    }
    cards = {}
    for row in found:
        holder = held.get(row["id"])
        ours = holder is not None and holder["customer_order"] == order_id
        cards[row["iccid"]] = Card(row["id"], row["state"], holder["number"] if holder and not ours else "", ours)
    return cards


async def _units(imeis: Iterable[str]) -> dict[str, Unit]:
    unit = DeviceUnit
    digits = ("".join(letter for letter in text if letter.isdigit()) for text in imeis)
    rows = await select_in([unit.id, unit.imei, unit.state, unit.device.code.as_alias("code")], unit.imei, digits)
    return {row["imei"]: Unit(row["id"], row["code"], row["state"]) for row in rows}


async def _numbers(written: list[str], order_id: int) -> dict[str, str]:
    """Which of these numbers nobody may port to us, and why."""
    wanted = [msisdn.validate(text) for text in written if msisdn.is_valid(text)]
    found = {}
    port = PortingRequest
    order: Any = port.item.customer_order
    columns = [port.msisdn, port.state, order.id.as_alias("order"), order.number.as_alias("number")]
    for row in await select_in(columns, port.msisdn, wanted):
        if row["state"] in RUNNING and row["order"] != order_id:
            found[row["msisdn"]] = f"Ce numéro est déjà en cours de portabilité, commande {row['number']}. Vérifiez le numéro."
    for row in await select_in([Line.msisdn, Line.state], Line.msisdn, wanted):
        if row["state"] in LIVING:
            found[row["msisdn"]] = "Ce numéro est déjà une ligne de notre parc : rien n'est à porter. Vérifiez le numéro."
    return found
