"""An invoice made again after it was credited whole: what a clerk may correct of its lines, and what follows."""

from dataclasses import dataclass
from typing import Any

from rules.money import half_up

Line = dict[str, Any]
COUNTED = ("count", "units", "covered")
"""What a usage line says of its calls; no longer true of another amount."""


@dataclass(frozen=True)
class Correction:
    """What stands in a line's fields: `amount_cents` excl. VAT; a quantity of 0 leaves the line out."""

    label: str
    quantity: int
    amount_cents: int


def corrected(line: Line, to: Correction) -> Line | None:
    """The line as corrected. Another quantity alone brings the amount in proportion; a new amount stands as it is given.

    >>> line = {"label": "Coque", "quantity": 3, "amount_cents": 5999, "unit_micro": 19_995_000}
    >>> corrected(line, Correction("Coque", 2, 5999))["amount_cents"]    # 59.99 × 2/3
    3999
    >>> corrected(line, Correction("Coque", 2, 4000))["unit_micro"] is None
    True
    """
    if to.quantity == 0:
        return None
    amount, changed = to.amount_cents, {"label": to.label, "quantity": to.quantity}
    if amount != line["amount_cents"]:
        return line | changed | {"amount_cents": amount, "unit_micro": None} | dict.fromkeys(COUNTED)
    if to.quantity != line["quantity"]:
        amount = half_up(line["amount_cents"] * to.quantity, line["quantity"])
        return line | changed | {"amount_cents": amount} | dict.fromkeys(COUNTED)
    return line | changed
