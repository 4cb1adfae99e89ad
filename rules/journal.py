"""The sales journal: a frozen document becomes a balanced entry, written in the layout of the French FEC.

Sources: LPF, article A47 A-1 (18 columns, dates AAAAMMJJ, decimal comma, ISO 8859-15); plan comptable général: 411 customers,
706 and 707 sales, 4457 VAT. Amounts are cents excl. VAT; an amount below zero stands on the other side, never with a sign.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rules.errors import RuleError
from rules.states import InvoiceKind, Section, Word

ENCODING, END = "iso-8859-15", "\r\n"
HEADER = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum", "CompAuxLib", "PieceRef",
    "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet", "ValidDate", "Montantdevise", "Idevise",
)  # fmt: skip


class Family(Word):
    """What has an account: the families of sales, the customers, the VAT; and the journal, whose account is its code."""

    journal = "JOURNAL", "Journal des ventes"
    customers = "CUSTOMERS", "Clients"
    subscriptions = "SUBSCRIPTIONS", "Abonnements et options"
    usage = "USAGE", "Communications"
    third_party = "THIRD_PARTY", "Services de tiers"
    services = "SERVICES", "Services"
    equipment = "EQUIPMENT", "Matériel"
    fees = "FEES", "Frais"
    vat = "VAT", "TVA collectée"


FAMILIES = {
    section.value: family
    for section, family in {
        Section.recurring: Family.subscriptions, Section.refund: Family.subscriptions, Section.discount: Family.subscriptions,
        Section.activation: Family.fees, Section.usage: Family.usage, Section.regularisation: Family.usage,
        Section.third_party: Family.third_party, Section.one_off: Family.services,
    }.items()
}  # fmt: skip
"""A discount lowers the sales of what it is given on: it has no account of its own."""


class NoAccount(RuleError):
    """A sale for which no account is set."""


class Unbalanced(RuleError):
    """A document whose lines and totals do not agree."""


@dataclass(frozen=True)
class Ledger:
    """The account (number, label) of each family, by VAT rate; None = every rate that has none of its own."""

    accounts: Mapping[tuple[Family, Decimal | None], tuple[str, str]]

    def of(self, family: Family, rate: Decimal | None = None) -> tuple[str, str]:
        """Raises NoAccount."""
        found = self.accounts.get((family, rate)) or self.accounts.get((family, None))
        if not found:
            raise NoAccount(f"Aucun compte pour « {family.label} ». Donnez-le dans le référentiel, table des comptes.")
        return found


@dataclass(frozen=True)
class Posting:
    """One line of an entry. `cents`: a debit; below zero, a credit."""

    account: tuple[str, str]
    cents: int
    customer: tuple[str, str] = ("", "")


def family(line: Mapping[str, Any]) -> Family:
    """To which family a line of a frozen document belongs.

    >>> family({"section": "USAGE", "part": "S"}).label, family({"section": "ONE_OFF", "nature": "goods"}).label
    ('Services de tiers', 'Matériel')
    >>> family({"section": "RECURRING", "charge": 12}).label, family({"section": "DISCOUNT"}).label
    ('Services', 'Abonnements et options')
    """
    if line.get("part") == "S":
        return Family.third_party
    if line.get("nature") == "goods":
        return Family.equipment
    found = FAMILIES[line["section"]]
    return Family.services if line.get("charge") and found == Family.subscriptions else found


def entry(document: Mapping[str, Any], ledger: Ledger) -> list[Posting]:
    """The postings of an invoice, customer first, or of a credit note, customer last. Raises NoAccount, Unbalanced."""
    sales: dict[tuple[str, str], int] = {}
    for line in document["lines"]:
        account = ledger.of(family(line), Decimal(line["vat_rate"]))
        sales[account] = sales.get(account, 0) - line["amount_cents"]
    for total in document["vat"]:
        account = ledger.of(Family.vat, Decimal(total["rate"]))
        sales[account] = sales.get(account, 0) - total["vat_cents"]
    if sum(sales.values()) != -document["incl_vat_cents"]:
        raise Unbalanced(f"{document['number']} : ses lignes et ses totaux ne s'accordent pas. Le journal n'est pas écrit.")
    buyer = (document["buyer"]["customer_number"], document["buyer"]["name"])
    customer = [Posting(ledger.of(Family.customers), document["incl_vat_cents"], buyer)]
    others = [Posting(account, cents) for account, cents in sales.items() if cents]
    return others + customer if document["kind"] == InvoiceKind.credit_note else customer + others


def rows(document: Mapping[str, Any], number: int, ledger: Ledger) -> Iterator[tuple[str, ...]]:
    """The entry of a document as rows of the file; `number`: its place in the journal, from 1."""
    piece, day = document["number"], document["issued_on"].replace("-", "")
    credit = document["kind"] == InvoiceKind.credit_note
    corrected = f" sur {document['corrects']['number']}" if credit and document["corrects"] else ""
    label = f"{InvoiceKind(document['kind']).label} {piece}{corrected}"
    for posting in entry(document, ledger):
        debit, credit_ = max(posting.cents, 0), max(-posting.cents, 0)
        yield (
            *ledger.of(Family.journal), f"{number:06}", day, *posting.account, *posting.customer, piece, day, label,
            euros(debit), euros(credit_), "", "", day, "", "",
        )  # fmt: skip


def euros(cents: int) -> str:
    """
    >>> euros(2399), euros(0)
    ('23,99', '0,00')
    """
    return f"{cents // 100},{cents % 100:02}"


def line(cells: tuple[str, ...]) -> bytes:
    """A row of the file: no cell breaks it, and what ISO 8859-15 lacks is written as near as can be.

    >>> line(("VE", "Menuiserie\\tŁódź 漢", "5 €")).decode(ENCODING)
    'VE\\tMenuiserie ?ódz ?\\t5 €\\r\\n'
    """
    if not "".join(cells).isprintable():
        cells = tuple("".join(sign if sign.isprintable() else " " for sign in cell) for cell in cells)
    text = "\t".join(cells) + END
    try:
        return text.encode(ENCODING)
    except UnicodeEncodeError:
        return b"".join(_nearest(sign) for sign in unicodedata.normalize("NFC", text))


def _nearest(sign: str) -> bytes:
    try:
        return sign.encode(ENCODING)
    except UnicodeEncodeError:
        plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore")
        return plain or b"?"


def file_name(siren: str, last_day: Any) -> str:
    """
    >>> from datetime import date
    >>> file_name("529197709", date(2026, 12, 31))
    '529197709FEC20261231.txt'
    """
    return f"{siren}FEC{last_day:%Y%m%d}.txt"
