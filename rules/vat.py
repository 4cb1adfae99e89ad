"""The VAT rates that a catalogue may bear (rules/vat.toml)."""

import tomllib
from decimal import Decimal
from enum import Enum
from pathlib import Path

from rules.errors import RuleError
from rules.files import cells

ACCEPTED = tomllib.loads(Path(__file__).with_name("vat.toml").read_text(encoding="utf-8"))["accepted"]["rates"]


class UnknownVatRate(RuleError):
    """A rate that the French rules of electronic invoices refuse."""


class Percent(Enum):
    @property
    def label(self) -> str:
        return f"{self.value} %".replace(".", ",")


VatRate: type[Percent] = Percent("VatRate", {f"rate_{rate}": Decimal(rate) for rate in ACCEPTED})  # type: ignore[call-arg,assignment]


def accepted(value: Decimal) -> bool:
    """Whether an invoice may bear the rate.

    >>> accepted(Decimal("8.50")), accepted(Decimal("7.7"))
    (True, False)
    """
    return value in {Decimal(rate) for rate in ACCEPTED}


def rate(cell: str) -> Decimal:
    """A rate of the list. Raises UnknownVatRate.

    >>> rate("8,5")
    Decimal('8.5')
    """
    value = cells.decimal(2, Decimal(100))(cell)
    if not accepted(value):
        raise UnknownVatRate(refusal(cell))
    return value


def refusal(cell: str) -> str:
    usual = " ; ".join(ACCEPTED[:6]).replace(".", ",")
    return f"« {cell} » n'est pas un taux de TVA admis en France : une facture électronique le refuserait. Les usuels : {usual}."
