"""The mails that leave by themselves: their kinds, what each may say, and the text shipped with the program (words.toml)."""

import tomllib
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from rules import money
from rules.errors import RuleError
from rules.paris import Month, french_date

_SHIPPED = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))


class UnknownKind(RuleError):
    """A mail that does not exist."""

    status = 404


@dataclass(frozen=True)
class Variable:
    """`default`: its value when the act gives none; None when the act must give one. `link`: an address."""

    name: str
    meaning: str
    example: str
    default: str | None = None
    link: bool = False


@dataclass(frozen=True)
class Kind:
    """`reason`: why the reader gets it, told under every mail."""

    code: str
    label: str
    reason: str
    variables: tuple[Variable, ...]
    subject: str
    body: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(variable.name for variable in self.variables)

    @property
    def examples(self) -> dict[str, str]:
        return {variable.name: variable.example for variable in self.variables}

    @property
    def least(self) -> dict[str, str]:
        """The values of an act that gives only what it must."""
        return {variable.name: variable.example if variable.default is None else variable.default for variable in self.variables}


def _kind(code: str, row: dict[str, Any]) -> Kind:
    known = {name: Variable(name, **given) for name, given in _SHIPPED["variables"].items()}
    names: list[str] = []
    for name in [*row["variables"], "@everywhere"]:
        names += _SHIPPED["groups"][name[1:]] if name.startswith("@") else [name]
    needed = {name: replace(known[name], default=None) for name in row.get("needs", ())}
    variables = tuple((known | needed)[name] for name in names)
    return Kind(code, row["label"], row["reason"], variables, row["subject"], row["body"].strip())


KINDS = {code: _kind(code, row) for code, row in _SHIPPED["kinds"].items()}


def kind(code: str) -> Kind:
    """
    >>> kind("invoice_issued").label, kind("password_reset").least["link"][:8]
    ('Facture émise', 'https://')
    """
    if code not in KINDS:
        raise UnknownKind(f"Le modèle « {code} » n'existe pas. Choisissez-en un dans la liste.")
    return KINDS[code]


def invoice_values(document: dict[str, Any]) -> dict[str, str]:
    """What a mail says of a numbered invoice or credit note, from its frozen document alone."""
    buyer, issued, total = document["buyer"], document["issued_on"], document["incl_vat_cents"]
    credit = document["kind"] == "CREDIT_NOTE"
    return {
        "customer_name": buyer["name"],
        "customer_number": buyer["customer_number"],
        "contact_name": buyer["contact"],
        "purchase_order": buyer["purchase_order"],
        "document": "Avoir" if credit else "Facture",
        "number": document["number"],
        "issued_on": french_date(date.fromisoformat(issued)),
        "due_on": french_date(date.fromisoformat(document["due_on"])) if not credit and total > 0 else "",
        "month": Month.parse(document["month"]).french,
        "excl_vat": money.french(abs(document["excl_vat_cents"]) if credit else document["excl_vat_cents"]),
        "incl_vat": money.french(abs(total) if credit else total),
        "payment_sentence": payment_sentence(document),
    }


def payment_sentence(document: dict[str, Any]) -> str:
    """How a numbered document is paid.

    >>> paid = {"method": "DIRECT_DEBIT", "iban_tail": "5074", "mandate_reference": "RUM-3"}
    >>> payment_sentence({"kind": "INVOICE", "incl_vat_cents": 100, "due_on": "2026-12-31", "payment": paid})
    "Prélevés le 31 décembre 2026 sur le compte •••• 5074, mandat RUM-3. Vous n'avez rien à faire."
    """
    if document["kind"] == "CREDIT_NOTE":
        return "À votre crédit."
    if document["incl_vat_cents"] <= 0:
        return "Rien à payer."
    payment, due = document["payment"], french_date(date.fromisoformat(document["due_on"]))
    if payment["method"] == "DIRECT_DEBIT":
        account = f" sur le compte •••• {payment['iban_tail']}" if payment["iban_tail"] else ""
        mandate = f", mandat {payment['mandate_reference']}" if payment["mandate_reference"] else ""
        return f"Prélevés le {due}{account}{mandate}. Vous n'avez rien à faire."
    by = {"TRANSFER": " par virement", "CARD": " par carte", "CHEQUE": " par chèque"}.get(payment["method"], "")
    iban = document["seller"]["iban"] if payment["method"] == "TRANSFER" else ""
    grouped = "\u00a0".join(iban[start : start + 4] for start in range(0, len(iban), 4))
    account = f" IBAN {grouped}, référence {document['number']}." if iban else ""
    return f"À payer{by} au plus tard le {due}.{account}"
