"""What leaves a run for the accountant and the clerk: the summary as CSV, the PDFs as one ZIP."""

import json
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from gateways.settings import SETTINGS
from jobs import documents
from rules.files.written import csv_text
from rules.states import DocumentKind, InvoiceState, PaymentMethod
from tables.invoices import Invoice, SealedDocument

CHUNK = 256 * 1024
MONTH_END = (1980, 1, 1, 0, 0, 0)


PARTS = ("buyer", "excl_vat_cents", "incl_vat_cents", "payment", "vat")


async def summary_csv(where: Any) -> str:
    """`;`, UTF-8 with BOM, decimal comma; one column of VAT per rate; validated documents by number, then drafts by customer."""
    found = []
    async for chunk in documents.read(where, Invoice.number, Invoice.state, Invoice.issued_on, Invoice.due_on, Invoice.document):
        for row in chunk:
            document = json.loads(row.pop("document"))
            found.append((row, {name: document[name] for name in PARTS}))
    found.sort(key=lambda one: (one[0]["number"] is None, one[0]["number"] or "", one[1]["buyer"]["customer_number"]))
    rates = sorted({total["rate"] for _, document in found for total in document["vat"]}, key=float, reverse=True)
    header = ["Numéro", "Date", "Échéance", "Client", "Nom", "Total HT", *(f"TVA {rate.replace('.', ',')} %" for rate in rates)]
    lines = (_summary(row, document, rates) for row, document in found)
    return csv_text([*header, "Total TTC", "Mode de paiement", "État"], lines)


def _summary(row: dict[str, Any], document: dict[str, Any], rates: list[str]) -> list[str]:
    by_rate = {total["rate"]: total["vat_cents"] for total in document["vat"]}
    return [
        row["number"] or "",
        _date(row["issued_on"]),
        _date(row["due_on"]),
        document["buyer"]["customer_number"],
        document["buyer"]["name"],
        _euros(document["excl_vat_cents"]),
        *(_euros(by_rate.get(rate, 0)) for rate in rates),
        _euros(document["incl_vat_cents"]),
        PaymentMethod(document["payment"]["method"]).label,
        InvoiceState(row["state"]).label,
    ]


def _date(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else ""


def _euros(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100},{abs(cents) % 100:02d}"


async def documents_of(run_id: int) -> list[tuple[str, Path]]:
    """Name and place of each sealed PDF of a run, by name."""
    paper = SealedDocument
    rows = await paper.select(paper.name, paper.path).where(paper.invoice.run == run_id, paper.kind != DocumentKind.xml)
    return sorted((row["name"], SETTINGS.data_dir / row["path"]) for row in rows)


def zip_of(files: list[tuple[str, Path]]) -> Iterator[bytes]:
    """A ZIP of files as it is made, some of its bytes at a time: never whole in memory."""
    buffer = Drain()
    with zipfile.ZipFile(
        buffer,  # type: ignore[call-overload]
        "w",
        zipfile.ZIP_STORED,
    ) as archive:
        for name, path in files:
            archive.writestr(zipfile.ZipInfo(name, MONTH_END), path.read_bytes())
            if len(buffer.data) > CHUNK:
                yield buffer.take()
    yield buffer.take()


class Drain:
    """What the ZIP writes, until it is taken; with no way back, the ZIP is written as a stream."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        taken = bytes(self.data)
        self.data.clear()
        return taken
