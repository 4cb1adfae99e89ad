"""A customer who brings a number along, and the two modules that hear what the network says of orders and lines."""

import json
import sys
from datetime import UTC, date, datetime
from types import ModuleType

from jobs import reseller
from jobs.network.asking import ask
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
    """What stands where orders hear the network: a refusal refuses the item and gives its card back."""
    module = ModuleType("jobs.orders.opening")

    async def done(request, *, msisdn, effective_on, actor, now):
        told.append(("done", request["kind"], request["item"]))

    async def refused(request, *, reason, actor, now):
        told.append(("refused", request["kind"], request["item"]))
        row = await OrderItem.objects().where(OrderItem.id == request["item"]).first()
        assert OrderItemState.refused in ORDER_ITEM_MOVES[OrderItemState(row.state)]
        await row.update_self({OrderItem.state: OrderItemState.refused, OrderItem.reason: reason})
        await Sim.update({Sim.state: SimState.in_stock}).where(Sim.id == row.sim)

    module.done, module.refused = done, refused
    monkeypatch.setitem(sys.modules, module.__name__, module)
