"""The seller, as programs read and write it."""

from litestar import Router, get, put
from msgspec import Struct, structs

from endpoints.asked import Asked
from endpoints.session import actor
from jobs.reseller import current, save
from tables.parties import Reseller


class ResellerBody(Struct, forbid_unknown_fields=True, kw_only=True):
    """Who sells. What a `PUT` leaves out takes its default."""

    name: str = ""
    legal_form: str = ""
    capital_cents: int = 0
    siren: str = ""
    siret: str = ""
    vat_number: str = ""
    rcs_city: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = "FR"
    email: str = ""
    phone: str = ""
    iban: str = ""
    bic: str = ""
    ics: str = ""
    einvoice_address: str = ""
    vat_on_debits: bool = True
    payment_days: int = 30
    first_month: str = ""
    invoice_pattern: str = "F{year}-{counter:06}"
    credit_note_pattern: str = "A{year}-{counter:06}"


def shown(reseller: Reseller) -> ResellerBody:
    return ResellerBody(**{name: getattr(reseller, name) for name in ResellerBody.__struct_fields__})


@get()
async def read_reseller() -> ResellerBody:
    """The seller whose name stands on the invoices."""
    return shown(await current())


@put()
async def write_reseller(request: Asked, data: ResellerBody) -> ResellerBody:
    """Replace the seller. 422 names every field to correct."""
    return shown(await save(structs.asdict(data), actor(request)))


router = Router("/api/reseller", route_handlers=[read_reseller, write_reseller], tags=["Intégrateur"])
