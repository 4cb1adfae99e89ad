"""SEPA direct debits: what a mandate must be, and from when an invoice may be collected (EPC rulebooks CORE and B2B)."""

from dataclasses import dataclass
from datetime import date, timedelta

from rules.commitment import add_months
from rules.errors import RuleError
from rules.paris import french_date
from rules.states import MandateType

LAPSES_AFTER_MONTHS = 36  # without a collection
NOTICE = timedelta(days=14)  # the invoice is the pre-notification


class NoMandate(RuleError):
    """A customer who signed none, or whose mandate lacks something."""


class MandateLapsed(RuleError):
    """A mandate that nobody used for 36 months."""


class NoticeTooShort(RuleError):
    """A collection less than fourteen days after the invoice announced it."""


@dataclass(frozen=True)
class Mandate:
    """`last_collected_on`: the last collection that was not returned."""

    reference: str
    type: str
    signed_on: date | None
    iban: str
    last_collected_on: date | None = None


def check_mandate(mandate: Mandate, collection_on: date) -> None:
    """Raises NoMandate, MandateLapsed.

    >>> check_mandate(Mandate("R1", "CORE", date(2023, 1, 10), "FR76…"), date(2026, 12, 5))
    Traceback (most recent call last):
    rules.sepa.MandateLapsed: Le mandat R1 n'a pas servi depuis 36 mois (10 janvier 2023), il est caduc. Signez-en un.
    """
    if not (mandate.reference and mandate.signed_on and mandate.iban and mandate.type in list(MandateType)):
        raise NoMandate("Le mandat est incomplet : il faut l'IBAN, la RUM, le type et la date de signature. Complétez la fiche.")
    if mandate.signed_on > collection_on:
        raise NoMandate(f"Le mandat {mandate.reference} est signé après le prélèvement. Corrigez sa date.")
    used = mandate.last_collected_on or mandate.signed_on
    if add_months(used, LAPSES_AFTER_MONTHS) <= collection_on:
        told = f"n'a pas servi depuis {LAPSES_AFTER_MONTHS} mois ({french_date(used)}), il est caduc. Signez-en un."
        raise MandateLapsed(f"Le mandat {mandate.reference} {told}")


def check_notice(issued_on: date, due_on: date, collection_on: date) -> None:
    """The invoice announces its debit: fourteen days at least, and never before its due date. Raises NoticeTooShort.

    >>> check_notice(date(2026, 11, 2), date(2026, 11, 16), date(2026, 11, 16))
    """
    first = max(issued_on + NOTICE, due_on)
    if collection_on < first:
        raise NoticeTooShort(
            f"Prélevable à partir du {french_date(first)} : {NOTICE.days} jours après la facture, et pas avant son échéance."
        )
