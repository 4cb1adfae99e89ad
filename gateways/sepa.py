"""A batch of direct debits as the bank reads it: pain.008, made and held to its schema by sepaxml."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sepaxml import SepaDD

SCHEMAS = {"08": "pain.008.001.08", "02": "pain.008.001.02"}


@dataclass(frozen=True)
class Creditor:
    name: str
    iban: str
    bic: str
    ics: str


@dataclass(frozen=True)
class Collection:
    """One debit. Names lose their accents on the way, as banks want."""

    name: str
    iban: str
    bic: str
    amount_cents: int
    sequence: str
    mandate_reference: str
    mandate_date: date
    end_to_end: str
    text: str


def batch(
    message: str, creditor: Creditor, type_: str, collection_on: date, collections: Sequence[Collection], version: str
) -> bytes:
    """The XML of a batch, valid against the schema of its version. Two calls differ: the bytes sent are the ones to keep."""
    config = {
        "name": creditor.name[:70], "IBAN": creditor.iban, "creditor_id": creditor.ics, "currency": "EUR", "batch": True,
        "instrument": type_,
    }  # fmt: skip
    if creditor.bic:
        config["BIC"] = creditor.bic
    made = SepaDD(config, schema=SCHEMAS[version], clean=True)
    made.msg_id = message
    for one in collections:
        payment = {
            "name": one.name, "IBAN": one.iban, "amount": one.amount_cents, "type": one.sequence, "endtoend_id": one.end_to_end,
            "collection_date": collection_on, "mandate_id": one.mandate_reference, "mandate_date": one.mandate_date,
            "description": one.text,
        }  # fmt: skip
        made.add_payment(payment | ({"BIC": one.bic} if one.bic else {}))
    return bytes(made.export(validate=True))
