"""An order as programs read it, and the lists of orders."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from piccolo.query.functions.aggregate import Count

from jobs.orders.case import Case, Row, load
from rules.order_bill import first_bill, told
from rules.states import OrderState, PortState
from tables.changes import NetworkRequest
from tables.mail import Mail
from tables.orders import Order, OrderItem, PortingRequest
from tables.timeline import story

ON_A_PAGE = 50
NUMBER: Any = Order.customer.customer_number
CUSTOMER: Any = Order.customer.company_name
SHOWN = (Order.id, Order.number, Order.state, Order.salesperson, Order.created_at, Order.submitted_at, Order.reserved_until)


async def describe(order_id: int, now: datetime) -> Row:
    """The object of the interface."""
    case = await load(order_id, now)
    ports = await ports_of(case)
    order = case.order
    return {
        **{name: order[name] for name in ("id", "number", "state", "version", "salesperson", "reason")},
        "customer_number": case.customer["customer_number"],
        "reserved_until": order["reserved_until"],
        "submitted_at": order["submitted_at"],
        "items": [_item(case, rank, ports.get(row["id"])) for rank, row in enumerate(case.items)],
        "errors": [asdict(fault) for fault in case.faults] if case.draft else [],
        "warnings": [asdict(warning) for warning in case.warnings] if case.draft else [],
    }


def _item(case: Case, rank: int, port: Row | None) -> Row:
    row, reading = case.items[rank], case.readings[rank]
    return {
        "position": rank + 1,
        "kind": row["kind"],
        "state": row["state"],
        "reason": row["reason"],
        "msisdn": row["msisdn"] or (reading.item.port.msisdn if reading.item.port else None),
        "iccid": row["asked"].get("iccid"),
        "porting": _port(case, rank, port) if "porting" in row["asked"] else None,
        "first_bill": told(first_bill(reading.item, case.customer["discount_percent"])),
        "asked": row["asked"],
    }


def _port(case: Case, rank: int, port: Row | None) -> Row:
    """Where the port stands: of a draft, whether number and RIO are sound; and the days from which to choose."""
    wrong = {fault.field.rpartition(".")[2] for fault in case.readings[rank].faults}
    state = PortState.draft if wrong & {"msisdn", "rio"} else PortState.checked
    window, day = case.shelf.window, case.shelf.today
    return {
        "state": port["state"] if port else str(state),
        "reason": port["reason"] if port else "",
        "first_date": window.first(day),
        "last_date": window.last(day),
    }


async def ports_of(case: Case) -> dict[int, Row]:
    """The porting request of each item that has one."""
    rows = await PortingRequest.select().where(PortingRequest.item.customer_order == case.order["id"])
    return {row["item"]: row for row in rows}


async def listing(
    state: str = "", customer: str = "", limit: int = ON_A_PAGE, offset: int = 0
) -> tuple[list[Row], int]:  # fmt: skip
    """Orders in a state, of a customer (its number, or a part of its name or of the order's number), the latest first."""
    where: list[Any] = [Order.state == state] if state in set(OrderState) else []
    if text := "".join(letter for letter in customer if letter.isprintable()).strip()[:60]:
        word = f"%{text}%"
        where.append((text == NUMBER) | CUSTOMER.ilike(word) | Order.number.ilike(word))
    columns = [*SHOWN, NUMBER.as_alias("customer_number"), CUSTOMER.as_alias("company_name")]
    rows = await Order.select(*columns).where(*where).order_by(Order.id, ascending=False).limit(limit).offset(offset)
    mine = OrderItem.customer_order.is_in([row["id"] for row in rows] or [0])
    items = await OrderItem.select(OrderItem.customer_order, Count(alias="items")).where(mine).group_by(OrderItem.customer_order)
    many = {row["customer_order"]: row["items"] for row in items}
    return [row | {"items": many.get(row["id"], 0)} for row in rows], await Order.count().where(*where)


async def counts() -> dict[str, int]:
    """How many orders are in each state."""
    rows = await Order.select(Order.state, Count(alias="orders")).group_by(Order.state)
    return {str(state): 0 for state in OrderState} | {row["state"]: row["orders"] for row in rows}


async def followed(case: Case) -> Row:
    """What became of a submitted order: by item its network requests and its port, the mails that left, the story."""
    ids = [row["id"] for row in case.items] or [0]
    requests: dict[int, list[Row]] = {}
    for row in await NetworkRequest.select().where(NetworkRequest.item.is_in(ids)).order_by(NetworkRequest.id):
        requests.setdefault(row["item"], []).append(row)
    mails = await Mail.select(Mail.id, Mail.recipient, Mail.state).where(Mail.customer_order == case.order["id"])
    return {
        "requests": requests,
        "ports": await ports_of(case),
        "mails": mails,
        "story": await story("customer_order", case.order["id"]),
    }
