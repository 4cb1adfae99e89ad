"""A customer who brings a number along, and the two modules that hear what the network says of orders and lines."""

import json
from datetime import UTC, date, datetime
from types import ModuleType

from jobs import reseller
from jobs.network import settling
from jobs.network.asking import ask
from rules.moves import check
from rules.states import ORDER_ITEM_MOVES, OrderItemState, PortState, RequestKind, SimState
from tables.engine import transaction
from tables.fleet import Sim
from tables.orders import Order, OrderItem, PortingRequest
from tables.parties import Customer

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 12, 3)
RIO, MSISDN = "01PA1B2C3NLF", "+33612345678"


async def port(
    state: PortState = PortState.submitted, day: date = DAY, msisdn: str = MSISDN, rio: str = RIO, asked: bool = True, **customer
) -> int:
    """A port in a state, with its order, its reserved card and the request by which the network was asked."""
    await reseller.current()
    number = f"C{await Customer.count() + 1}"
    buyer = Customer(
        customer_number=number, login=number, company_name=f"Ébénisterie {number}", billing_email="compta@ebene.example",
        site_email=f"parc.{number}@ebene.example", site_contact_name="Zoé", **customer,
    )  # fmt: skip
    await buyer.save()
    order = Order(customer=buyer.id, number=f"CO-{number}", state="in_progress")
    await order.save()
    sim = Sim(iccid=f"893301000000000{await Sim.count():04}", state=SimState.reserved)
    await sim.save()
    wanted = {"kind": "LINE", "user_name": "Léa", "porting": {"msisdn": msisdn, "rio": rio, "porting_date": day.isoformat()}}
    item = OrderItem(customer_order=order.id, position=1, state="requested", asked=json.dumps(wanted), sim=sim.id, msisdn=msisdn)
    await item.save()
    row = PortingRequest(item=item.id, msisdn=msisdn, rio=rio, porting_date=day, state=state, created_at=NOW)
    await row.save()
    if asked:
        async with transaction():
            await ask(
                RequestKind.port_in, actor="Camille", now=NOW, msisdn=msisdn, item=item.id, rio=rio, porting_date=day,
                user_name="Léa", iccid=sim.iccid,
            )  # fmt: skip
    return row.id


def opening(monkeypatch, told: list) -> None:
    """What stands where orders hear the network: an item goes with the answer, and its port with the item."""
    module = ModuleType("jobs.orders.opening")

    async def move(item: int, state: OrderItemState, port_state: PortState, **values) -> None:
        row = await OrderItem.objects().where(OrderItem.id == item).first()
        check(ORDER_ITEM_MOVES, OrderItemState(row.state), state)
        await row.update_self({OrderItem.state: state})
        await PortingRequest.update({PortingRequest.state: port_state, **values}).where(PortingRequest.item == item)

    async def done(request, *, msisdn, effective_on, actor, now):
        told.append(("done", request["kind"], request["item"]))

    async def refused(request, *, reason, actor, now):
        told.append(("refused", request["kind"], request["item"]))
        await move(request["item"], OrderItemState.refused, PortState.rejected, reason=reason)

    async def cancel_item(item, *, reason, actor, now):
        await move(item, OrderItemState.cancelled, PortState.cancelled, reason=reason)
        await ask(RequestKind.cancel_port, actor=actor, now=now, item=item)

    async def retry(item, asked, *, actor, now):
        porting = asked["porting"]
        day = date.fromisoformat(porting["porting_date"])
        values = {"rio": porting["rio"], "porting_date": day, "time_slot": porting["time_slot"], "reason": ""}
        await move(item, OrderItemState.requested, PortState.submitted, **values)
        await OrderItem.update({OrderItem.asked: json.dumps(asked)}).where(OrderItem.id == item)
        await ask(RequestKind.port_in, actor=actor, now=now, item=item, rio=porting["rio"], porting_date=day)

    for verb in (done, refused, cancel_item, retry):
        setattr(module, verb.__name__, verb)
    monkeypatch.setattr(settling, "orders", module)
