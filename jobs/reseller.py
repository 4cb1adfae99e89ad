"""The seller whose name stands on every invoice: one row, read by all, written by its API and the admin."""

from typing import Any

from stdnum.eu import at_02

from gateways.settings import SETTINGS
from jobs.lawful import NotLawful, lawful
from rules import numbering
from rules.errors import RuleError
from rules.files import cells, kinds
from rules.files.rows import NEVER, Column, Kind, Values
from rules.paris import Month, paris_date
from rules.receivables import parse_days
from tables.engine import transaction
from tables.invoices import NumberSeries
from tables.parties import Reseller
from tables.timeline import tell

ONLY = 1
LARGEST_CAPITAL_CENTS = 10**15
YEARS_AHEAD = 10
FICTITIOUS = {
    "name": "Télécoms Imaginaires", "legal_form": "SAS", "capital_cents": 1_000_000,
    "siren": "999000003", "siret": "99900000300015", "vat_number": "FR42999000003", "rcs_city": "Lyon",
    "street": "1 rue de la Ligne Claire", "postcode": "69000", "city": "Lyon",
    "email": "contact@telecoms-imaginaires.example", "phone": "01 99 00 40 40",
    "iban": "FR7699999000010000000000115", "bic": "IMAGFRPPXXX", "ics": "FR53ZZZ999999", "einvoice_address": "0225:999000003",
}  # fmt: skip
NEEDED = ("name", "legal_form", "siren", "vat_number", "street", "postcode", "city", "country", "email", "iban")


class NumbersMeet(RuleError):
    """A pattern that could give a number given before."""


class NotOurs(RuleError):
    """A SIRET or a VAT number of another company."""


class WindowTooNarrow(RuleError):
    """Bounds of portability between which a day to choose may be missing."""


def _month(text: str) -> str:
    return str(Month.parse(text))


def _pattern(text: str) -> str:
    numbering.check(text)
    return text


def _days(text: str) -> str:
    parse_days(text)
    return text


def _one_company(values: Values) -> kinds.Problems:
    siren = values.get("siren", "")
    if siren and not values.get("siret", "").startswith(siren) and values.get("siret"):
        yield "siret", NotOurs(f"Le SIRET ne commence pas par le SIREN {siren}. L'un des deux est mal copié.")
    if siren and not values.get("vat_number", "").endswith(siren) and values.get("vat_number"):
        yield "vat_number", NotOurs(f"Le numéro de TVA ne finit pas par le SIREN {siren}. L'un des deux est mal copié.")


def _settled(values: Values) -> kinds.Problems:
    yield from _one_company(values)
    after, before = values.get("port_after_days"), values.get("port_before_days")
    if after is not None and before is not None and before - after <= 7:
        yield (
            "port_before_days",
            WindowTooNarrow("Laissez au moins sept jours entre les deux bornes : il faut toujours un jour ouvrable à choisir."),
        )


SELLER = Kind(
    "reseller",
    (
        Column("name", cells.text, "", longest=100),
        Column("legal_form", cells.text, "", longest=40),
        Column("capital_cents", cells.integer(0, LARGEST_CAPITAL_CENTS)),
        Column("siren", cells.siren, ""),
        Column("siret", cells.siret, ""),
        Column("vat_number", cells.vat_number, ""),
        Column("rcs_city", cells.text, "", longest=60),
        Column("street", cells.text, ""),
        Column("postcode", cells.text, "", longest=10),
        Column("city", cells.text, "", longest=60),
        Column("country", kinds.country),
        Column("email", cells.email, ""),
        Column("phone", cells.text, "", longest=30),
        Column("iban", cells.iban, ""),
        Column("bic", cells.bic, ""),
        Column("ics", cells.identifier("ICS", at_02.validate, "FR, une clé, trois signes et un numéro"), "", longest=35),
        Column("einvoice_address", kinds.einvoice, "", longest=125),
        Column("einvoice_sample", cells.integer(0, 100)),
        Column("vat_on_debits", cells.yes_no),
        Column("payment_days", cells.integer(0, 365)),
        Column("end_of_month", cells.yes_no),
        Column("retention_months", cells.integer(1, 12)),
        Column("sepa_version", cells.choice("08", "02")),
        Column("reminder_days", _days, ""),
        Column("suspend_after_days", cells.integer(0, 999)),
        Column("first_month", _month, "", longest=7),
        Column("mail_attachment_kb", cells.integer(0, 100_000)),
        Column("mails_per_minute", cells.integer(0, 100_000)),
        Column("port_after_days", cells.integer(0, 365)),
        Column("port_before_days", cells.integer(0, 365)),
        Column("port_working_days", cells.yes_no),
        Column("invoice_pattern", _pattern, NEVER, longest=60),
        Column("credit_note_pattern", _pattern, NEVER, longest=60),
    ),
    ("name",),
    _settled,
)


async def current() -> Reseller:
    """The seller. Made at the first call: fictitious in development, empty in production (see `missing`)."""
    found = await Reseller.objects().where(Reseller.id == ONLY).first()
    if found is not None:
        return found
    values: dict[str, Any] = {"id": ONLY}
    if not SETTINGS.production:
        values |= FICTITIOUS | {"first_month": str(Month.of(paris_date(SETTINGS.now())).previous)}
    async with transaction():
        await Reseller.insert(Reseller(**values)).on_conflict(action="DO NOTHING")
    return await current()


def missing(reseller: Reseller) -> list[str]:
    """The French names of what an invoice must bear and the seller's row lacks."""
    titles = {column._meta.name: str(column._meta.help_text).split(" — ")[0] for column in Reseller._meta.columns}
    return [titles[name] for name in NEEDED if not getattr(reseller, name)]


async def save(values: dict[str, Any], actor: str) -> Reseller:
    """Replace what `values` names. Raises NotLawful."""
    await current()
    clean = lawful(SELLER, values)
    async with transaction():
        await change(Reseller, clean, actor)
    return await current()


async def change(table: Any, values: Values, actor: str) -> None:
    """Write what differs in the one row of a table, made at its first change, with its entry in the journal; in a transaction.

    Raises NotLawful for a pattern that could give a number again.
    """
    if not values:
        return
    await table.insert(table(id=ONLY)).on_conflict(action="DO NOTHING")
    before = (await table.select(*values).where(table.id == ONLY))[0]
    changed: dict[Any, Any] = {name: value for name, value in values.items() if before[name] != value}
    if not changed:
        return
    await table.update(changed).where(table.id == ONLY)
    await check_patterns(changed)
    await tell(actor, "changed", table._meta.tablename, ONLY, {name: before[name] for name in changed}, changed)


async def check_patterns(changed: Values) -> None:
    """A changed pattern continues its own series or begins one that can meet no other, now and in the years to come.

    Raises NotLawful.
    """
    patterns = ("invoice_pattern", "credit_note_pattern")
    if not changed.keys() & set(patterns):
        return
    given = await NumberSeries.select(NumberSeries.name).where(NumberSeries.last_number > 0).output(as_list=True)
    year = paris_date(SETTINGS.now()).year
    row = (await Reseller.select(*patterns).where(Reseller.id == ONLY))[0] | changed
    for name, other in (patterns, patterns[::-1]):
        for new in (numbering.series(row[name], each) for each in range(year, year + YEARS_AHEAD)) if name in changed else ():
            for known in [*given, numbering.series(row[other], year)]:
                if known != new and numbering.may_meet(known, new):
                    problem = NumbersMeet(
                        f"« {row[name]} » pourrait redonner un numéro de la série {known}. Changez une lettre du modèle."
                    )
                    raise NotLawful([{"field": name, "value": row[name], "code": problem.code, "message": str(problem)}])
