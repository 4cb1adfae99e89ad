"""The kinds of files, their models to download, and the kind that a header speaks of.

The rows of the models fit together: imported in this order into an empty database, each goes in as it is.
"""

from datetime import datetime, timedelta

from gateways.cdr_store import COLUMNS as CDR_COLUMNS
from rules.files import kinds
from rules.files.form import BOM, SEPARATORS, fold
from rules.files.written import csv_text

TITLES = {
    "offers": "Abonnements et options",
    "rates": "Grille tarifaire",
    "roaming_zones": "Zones d'itinérance",
    "sims": "Cartes SIM",
    "customers": "Clients",
    "lines": "Lignes mobiles",
    "cdrs": "CDR",
}
NEEDED = {name: {column.name: column.in_header for column in kind.columns} for name, kind in kinds.KINDS.items()}
NEEDED["cdrs"] = CDR_COLUMNS
PACKED = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b")
RATE_CODE = "STD"

ROWS: dict[str, dict[str, str]] = {
    "offers": {
        "kind": "OFFER", "code": "MODELE-2H", "label": "Modèle 2 h", "monthly_price": "9,90", "activation_fee": "0",
        "vat_rate": "20", "allowances": "VOICE:120:FR_MOBILE", "international": "no", "valid_from": "2026-01-01",
    },
    "rates": {
        "origin": "HOME", "type": "VOICE", "direction": "OUT", "prefix": "336", "destination": "France mobile",
        "category": "FR_MOBILE", "unit_price": "0,060000", "first_increment": "60", "next_increment": "1",
    },
    "roaming_zones": {"zone": "HOME", "mcc": "208"},
    "sims": {
        "iccid": "8933099999000009901", "imsi": "208990000009990", "pin1": "1234", "puk1": "12345678", "kind": "PHYSICAL",
        "batch": "LOT-MODELE",
    },
    "customers": {
        "customer_number": "MODELE", "company_name": "Société Modèle", "kind": "BUSINESS", "street": "1 rue du Modèle",
        "postcode": "69000", "city": "Lyon", "country": "FR", "billing_contact_name": "Anne Modèle",
        "billing_email": "compta@modele.example", "payment_method": "TRANSFER",
    },
    "lines": {
        "msisdn": "06 39 98 09 90", "customer_number": "MODELE", "iccid": "8933099999000009901", "user_name": "Léa Modèle",
        "offer": "MODELE-2H", "rate_table": RATE_CODE, "activated_on": "2026-01-01", "commitment_months": "0",
        "billing_terms": "ADVANCE", "billed_until": "2026-09-30",
    },
    "cdrs": {
        "cdr_id": "MODELE-1", "type": "VOICE", "direction": "OUT", "msisdn": "06 39 98 09 90", "other_party": "06 39 98 09 91",
        "duration_s": "65", "wholesale_cost": "0,010000",
    },
}  # fmt: skip


def model(kind: str, now: datetime) -> str:
    """A CSV file of that kind: every column, and one row of fictitious data."""
    row = ROWS[kind] | ({"started_at": (now - timedelta(days=1)).isoformat(timespec="seconds")} if kind == "cdrs" else {})
    return csv_text(NEEDED[kind], [[row.get(column, "") for column in NEEDED[kind]]])


def guess(head: bytes) -> str:
    """The kind whose columns the first line names; empty when it names none.

    >>> guess(b"MCC;zone"), guess(b"bonjour")
    ('roaming_zones', '')
    """
    if head.startswith(PACKED):
        return "cdrs"  # the only kind that comes packed
    line = head.removeprefix(BOM).decode("utf-8", "replace").replace("\r", "\n").partition("\n")[0]
    found: list[tuple[bool, int, str]] = []
    for mark in SEPARATORS:
        names = {fold(name.strip().strip('"')) for name in line.split(mark)}
        for kind, columns in NEEDED.items():
            known = sum(name in names for name in columns)
            whole = all(name in names for name, needed in columns.items() if needed)
            found.append((whole, known, kind))
    whole, known, kind = max(found, key=lambda one: one[:2])
    return kind if known else ""
