"""What the page « Portabilités » shows: the ports of each day, how far each is, and what there is to do."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from piccolo.query.functions.aggregate import Count

from jobs.ports import CUSTOMER, ORDER, PREFIX, SHOWN, UNDER_WAY
from rules import refusals
from rules.porting import countdown, freezes_on
from rules.states import OrderItemState, PortState
from tables.orders import PortingRequest

Row = dict[str, Any]
ON_A_PAGE = 50
FEWEST_DIGITS = 4  # of a number that is looked for
OPEN = (PortState.checked, PortState.submitted, PortState.eligible, PortState.frozen)
ASKED_AGAIN = OrderItemState.requested, OrderItemState.refused


@dataclass(frozen=True)
class Sought:
    """`state` empty: what is under way or waits for somebody. `text`: in the number, the RIO, the customer."""

    state: str = ""
    text: str = ""

    def conditions(self) -> list[Any]:
        found: list[Any] = [PortingRequest.state == self.state if self.state else to_follow()]
        if self.text:
            word = f"%{self.text[:60]}%"
            either = PortingRequest.rio.ilike(f"%{''.join(self.text.split())[:12]}%") | CUSTOMER.company_name.ilike(word)
            digits = "".join(sign for sign in self.text if sign in "0123456789").lstrip("0")[:18]
            if len(digits) >= FEWEST_DIGITS:
                either = either | PortingRequest.msisdn.like(f"%{digits}%")
            found.append(either | (CUSTOMER.customer_number == self.text))
        return found


def to_follow() -> Any:
    """Ports under way; those that failed, as long as their order waits for them."""
    failed = PortingRequest.state.is_in([PortState.rejected, PortState.expired])
    waited_for = PortingRequest.item.state.is_in(list(ASKED_AGAIN)) & ORDER.state.is_in(list(UNDER_WAY))
    return PortingRequest.state.is_in(list(OPEN)) | (failed & waited_for)


async def listing(sought: Sought, page: int, today: date) -> tuple[list[Row], int]:
    """A page of ports by their day, and how many there are."""
    conditions = sought.conditions()
    rows = PortingRequest.select(*SHOWN).where(*conditions).order_by(PortingRequest.porting_date, PortingRequest.id)
    found = await rows.limit(ON_A_PAGE).offset(ON_A_PAGE * (page - 1))
    total = await PortingRequest.select(Count(alias="ports")).where(*conditions).first()
    return [shown(row, today) for row in found], (total or {"ports": 0})["ports"]


async def counts() -> dict[str, int]:
    """How many of those to follow are in each state."""
    rows = (
        await PortingRequest.select(PortingRequest.state, Count(alias="ports")).where(to_follow()).group_by(PortingRequest.state)
    )
    return {str(state): 0 for state in PortState} | {row["state"]: row["ports"] for row in rows}


def shown(row: Row, today: date) -> Row:
    """A port with its customer, its countdown while it runs, and what to do."""
    running = row["state"] in OPEN
    return row | {
        "customer_number": row[f"{PREFIX}.customer_number"], "company_name": row[f"{PREFIX}.company_name"],
        "order": row["item.customer_order.id"], "order_number": row["item.customer_order.number"] or "",
        "countdown": countdown(row["porting_date"], today) if running else "", "to_do": to_do(row, today),
    }  # fmt: skip


def to_do(row: Row, today: date) -> str:
    """The next step of a person, for a port as it stands; empty when there is none."""
    day, state = row["porting_date"], PortState(row["state"])
    if state == PortState.rejected:
        return refusals.advice(row["reason"])
    if state == PortState.expired:
        return (
            "Personne n'a répondu à temps. Refusez la demande à la page Réseau, puis reprenez la ligne dans une autre commande."
        )
    if state in (PortState.checked, PortState.submitted) and freezes_on(day) <= today:
        return "Le donneur n'a pas répondu et le jour approche. Appelez l'opérateur."
    if state == PortState.frozen:
        if day > today:
            return "Plus rien ne se change. Prévenez l'utilisateur : sa nouvelle carte sert demain."
        when = "La date est passée" if day < today else "C'est aujourd'hui"
        return f"{when} : demandez à l'opérateur, puis marquez la demande faite ou refusée à la page Réseau."
    return ""
