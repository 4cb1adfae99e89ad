"""From lines to an invoice: VAT per rate, totals, invoice or credit note (billing law § 4)."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from rules.errors import RuleError
from rules.money import percent_of
from rules.states import InvoiceKind, Section

REGIMES = tomllib.loads(Path(__file__).with_name("vat.toml").read_text(encoding="utf-8"))["regime"]


class UnknownRegime(RuleError):
    """A VAT regime that the law does not know on that day."""


@dataclass(frozen=True)
class BillLine:
    """One line of an invoice, excl. VAT.

    `units`, `covered`: seconds, messages or KB; `part`: S for a third party's service; `nature`: goods, else services.
    """

    section: str
    label: str
    amount_cents: int
    vat_rate: Decimal
    line: int | None = None
    item: int | None = None
    quantity: int = 1
    unit_micro: int | None = None
    first: date | None = None
    last: date | None = None
    days: int | None = None
    days_in_month: int | None = None
    month: str | None = None
    type: str | None = None
    category: str | None = None
    part: str | None = None
    count: int | None = None
    units: int | None = None
    covered: int | None = None
    charge: int | None = None
    nature: str | None = None


@dataclass(frozen=True)
class VatTotal:
    rate: Decimal
    base_cents: int
    vat_cents: int


def regime(code: str, day: date) -> dict[str, str]:
    """The VAT regime in force on a day: its `rate` if it replaces those of the offers, its `mention`, its `source`.

    Raises UnknownRegime.
    """
    known = [row for row in REGIMES if row["code"] == code and row["from"] <= day]
    if not known:
        raise UnknownRegime(f"Le régime de TVA « {code} » n'est pas en vigueur. Corrigez la fiche du client.")
    return max(known, key=lambda row: row["from"])


def vat_rate(code: str, offer_rate: Decimal, day: date) -> Decimal:
    """The rate that a customer of that regime bears.

    >>> vat_rate("DROM_85", Decimal(20), date(2026, 10, 31))
    Decimal('8.5')
    """
    return Decimal(regime(code, day).get("rate", offer_rate))


def totals(lines: Iterable[BillLine]) -> list[VatTotal]:
    """Base and VAT per rate, highest rate first. VAT is rounded once per rate, never per line.

    >>> totals([BillLine("USAGE", "", 3011, Decimal(20)), BillLine("USAGE", "", 1000, Decimal("8.5"))])
    [VatTotal(rate=Decimal('20'), base_cents=3011, vat_cents=602), VatTotal(rate=Decimal('8.5'), base_cents=1000, vat_cents=85)]
    """
    bases: dict[Decimal, int] = {}
    for line in lines:
        bases[line.vat_rate] = bases.get(line.vat_rate, 0) + line.amount_cents
    return [VatTotal(rate, base, percent_of(base, rate)) for rate, base in sorted(bases.items(), reverse=True)]


def kind(incl_vat_cents: int) -> InvoiceKind:
    return InvoiceKind.credit_note if incl_vat_cents < 0 else InvoiceKind.invoice


def in_order(lines: Iterable[BillLine]) -> list[BillLine]:
    """Lines as they are printed: by section, then as they came."""
    rank = {section: place for place, section in enumerate(Section)}
    return sorted(lines, key=lambda line: rank[Section(line.section)])
