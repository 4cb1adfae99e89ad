"""A credit note by hand: what may be given back of an invoice, and its VAT (billing law § 4; CGI annexe II, art. 242 nonies A).

What is given back never passes what was invoiced: per line, per VAT rate, in all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rules.errors import RuleError
from rules.invoicing import VatTotal
from rules.money import french, percent_of


class CreditTooHigh(RuleError):
    """More than what is left of a line, of a VAT rate, or of the invoice."""

    status = 409


class NothingToCredit(RuleError):
    """A credit note without an amount, or of an invoice of which nothing is left."""

    status = 409


@dataclass(frozen=True)
class Line:
    """An invoiced line: its rank, cents excl. VAT (a discount is negative), and what was credited of it before."""

    rank: int
    amount_cents: int
    vat_rate: Decimal
    credited_cents: int = 0

    @property
    def left_cents(self) -> int:
        return self.amount_cents - self.credited_cents


@dataclass(frozen=True)
class Invoiced:
    """An invoice with what was credited of it: `vat` as invoiced, `vat_credited` per rate, `left_cents` incl. VAT in all."""

    lines: Sequence[Line]
    vat: Sequence[VatTotal]
    vat_credited: Mapping[Decimal, int]
    left_cents: int


def rest(invoiced: Invoiced) -> dict[int, int]:
    """Everything that is left, by the rank of its line."""
    return {line.rank: line.left_cents for line in invoiced.lines if line.left_cents}


def credit(invoiced: Invoiced, wanted: Mapping[int, int]) -> list[VatTotal]:
    """What a credit note of these cents excl. VAT per line gives back per rate, positive, highest rate first.

    VAT: half-up per rate on what is credited, never past what is left of it, all of it with the last cent of its rate.
    Raises CreditTooHigh, NothingToCredit.

    >>> lines = [Line(1, 1000, Decimal(20)), Line(2, -100, Decimal(20))]
    >>> invoiced = Invoiced(lines, [VatTotal(Decimal(20), 900, 180)], {}, 1080)
    >>> credit(invoiced, {1: 333})
    [VatTotal(rate=Decimal('20'), base_cents=333, vat_cents=67)]
    """
    known = {line.rank: line for line in invoiced.lines}
    for rank, amount in wanted.items():
        if rank not in known or not _within(amount, known[rank].left_cents):
            left = known[rank].left_cents if rank in known else 0
            raise CreditTooHigh(f"Ligne {rank} : il reste {french(left)} HT à créditer, {french(amount)} est trop.")
    found = [total for total in _per_rate(invoiced, known, wanted) if total.base_cents or total.vat_cents]
    incl = sum(total.base_cents + total.vat_cents for total in found)
    if not any(wanted.values()) or incl <= 0:
        raise NothingToCredit("Cet avoir ne rendrait rien. Donnez le montant d'au moins une ligne.")
    if incl > invoiced.left_cents:
        raise CreditTooHigh(f"Il reste {french(invoiced.left_cents)} TTC à créditer sur cette facture : {french(incl)} est trop.")
    return found


def _per_rate(invoiced: Invoiced, known: Mapping[int, Line], wanted: Mapping[int, int]) -> list[VatTotal]:
    found = []
    for total in invoiced.vat:
        lines = [line for line in known.values() if line.vat_rate == total.rate]
        base = sum(wanted.get(line.rank, 0) for line in lines)
        left = sum(line.left_cents for line in lines)
        if not _within(base, left):
            shown = f"{total.rate.normalize():f}".replace(".", ",")
            raise CreditTooHigh(
                f"À {shown} %, il reste {french(left)} HT à créditer, remises déduites : {french(base)} est trop."
            )
        whole = all(wanted.get(line.rank, 0) == line.left_cents for line in lines)
        vat_left = total.vat_cents - invoiced.vat_credited.get(total.rate, 0)
        vat = percent_of(base, total.rate)
        found.append(VatTotal(total.rate, base, vat_left if whole or abs(vat) > abs(vat_left) else vat))
    return found


def _within(amount: int, left: int) -> bool:
    """Whether an amount lies between nothing and what is left, on its side of zero."""
    return min(0, left) <= amount <= max(0, left)
