"""Whole numbers on the detailed bill: only when the holder has asked, on a day that is kept, told to the journal."""

from datetime import date, datetime

from rules.errors import RuleError
from rules.paris import paris_date
from tables.engine import transaction
from tables.parties import Customer
from tables.timeline import tell


class NotAskedYet(RuleError):
    """A request dated in the future."""


async def show_digits(customer_id: int, shown: bool, asked_on: date | None, actor: str, now: datetime) -> None:
    """Print called numbers in full from the next draft on, or hide their last four digits again. `asked_on`: today unless told.

    Raises NotAskedYet.
    """
    day = asked_on or paris_date(now)
    if shown and day > paris_date(now):
        raise NotAskedYet("Le titulaire n'a pas pu le demander à une date à venir. Donnez le jour de sa demande.")
    columns = (Customer.hide_digits, Customer.digits_shown_on)
    async with transaction():
        (before,) = await Customer.select(*columns).where(Customer.id == customer_id)
        after = {"hide_digits": not shown, "digits_shown_on": day if shown else None}
        if before == after:
            return
        await Customer.update({Customer.hide_digits: not shown, Customer.digits_shown_on: after["digits_shown_on"]}).where(
            Customer.id == customer_id
        )
        event = "digits_shown" if shown else "digits_hidden"
        await tell(actor, event, "customer", customer_id, _told(before), _told(after), at=now)


def _told(values: dict) -> dict:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
