"""A billing run as it is told: its state and findings, its documents with their lines, its usage; and a month tried dry."""

import asyncio
import json
from typing import Any

from gateways import rated
from gateways.settings import SETTINGS
from jobs import reseller
from jobs.billing import inputs as read_inputs
from jobs.billing import runs
from jobs.billing.compute import Computed, compute
from jobs.billing.draft import document
from rules.paris import Month
from rules.states import COMPUTING, InvoiceState, RunState
from tables.billing import ParkedCustomer
from tables.fleet import Line
from tables.invoices import Invoice

Row = dict[str, Any]
PAGE = 1_000
NO_TOTALS: Row = {
    **dict.fromkeys(
        ("invoices", "credit_notes", "parked", "excl_vat_cents", "vat_cents", "incl_vat_cents", "cdrs_read", "loaded"), 0
    ),
    **dict.fromkeys(
        ("rejected", "unrated", "other_month", "rated", "amount_micro", "service_micro", "wholesale_micro", "late"), 0
    ),
    "regularised_cents": 0,
    "rejects_by_cause": {},
}


async def describe(run_id: int) -> Row:
    """The run as the API tells it."""
    run = await runs.get(run_id)
    parked = await ParkedCustomer.select(ParkedCustomer.customer.customer_number, ParkedCustomer.reason).where(
        ParkedCustomer.run == run_id
    )
    return {
        "id": run["id"],
        "month": run["month"],
        "state": run["state"],
        "progress": {"stage": run["stage"], "done": run["done"], "total": run["total"]},
        "totals": NO_TOTALS | json.loads(run["totals"]),
        "controls": await runs.controls(run_id),
        "parked": [{"customer_number": row["customer.customer_number"], "reason": row["reason"]} for row in parked],
        "error": run["error"],
        "interrupted": RunState(run["state"]) in COMPUTING and not runs.working(),
    }


async def dry_run(month: Month) -> Row:
    """What a run of the month would make, told as `describe` tells it; nothing is written."""
    await reseller.current()
    inputs = await read_inputs.read(month)
    computed: Computed = await asyncio.to_thread(compute, inputs)
    return {
        "id": None,
        "month": str(month),
        "state": str(RunState.controlled),
        "progress": {"stage": "draft", "done": 1, "total": 1},
        "totals": computed.totals,
        "controls": [{**finding.__dict__, "severity": str(finding.severity), "waived": False} for finding in computed.findings],
        "parked": [{"customer_number": customer["customer_number"], "reason": reason} for customer, reason in computed.parked],
        "invoices": [invoice_object(None, None, str(InvoiceState.draft), document(inputs, found)) for found in computed.drafts],
    }


async def invoices(run_id: int, limit: int, offset: int) -> tuple[list[Row], int]:
    """A page of the run's documents as the API tells them, by customer number, and how many there are."""
    ids = [
        row["id"]
        for row in await Invoice.select(Invoice.id)
        .where(Invoice.run == run_id)
        .order_by(Invoice.customer.customer_number, Invoice.id)
    ]
    wanted = ids[offset : offset + limit]
    found: dict[int, Row] = {}
    for start in range(0, len(wanted), PAGE):
        columns = (Invoice.id, Invoice.number, Invoice.state, Invoice.document)
        for row in await Invoice.select(*columns).where(Invoice.id.is_in(wanted[start : start + PAGE])):
            found[row["id"]] = invoice_object(row["id"], row["number"], row["state"], json.loads(row["document"]))
    return [found[id] for id in wanted], len(ids)


def invoice_object(id: int | None, number: str | None, state: str, document: Row) -> Row:
    lines = [
        {
            "msisdn": line["msisdn"] or None,
            "section": line["section"],
            "label": label(line),
            "quantity": line["quantity"],
            "amount_cents": line["amount_cents"],
            "vat_rate": line["vat_rate"],
        }
        for line in document["lines"]
    ]
    amounts = {name: document[name] for name in ("excl_vat_cents", "vat_cents", "incl_vat_cents")}
    customer_number = document["buyer"]["customer_number"]
    return {"id": id, "customer_number": customer_number, "number": number, "state": state, **amounts, "lines": lines}


def label(line: Row) -> str:
    """A line's label with its days."""
    if not line["first"] or (line["first"] == line["last"] and not line["days"]):
        return line["label"]
    first, last = (f"{day[8:]}/{day[5:7]}/{day[:4]}" for day in (line["first"], line["last"]))
    part = f" ({line['days']}/{line['days_in_month']} jours)" if line["days"] and line["days"] < line["days_in_month"] else ""
    return f"{line['label']}, du {first} au {last}{part}"


async def usage(run_id: int) -> list[Row]:
    """Usage of the run's month per line, type and category; micro-euros excl. VAT, an unknown cost counts 0."""
    run = await runs.get(run_id)
    if not run["usage_path"]:
        return []
    numbers = {row["id"]: row["msisdn"] for row in await Line.select(Line.id, Line.msisdn)}
    rows = await asyncio.to_thread(rated.usage, SETTINGS.data_dir / run["usage_path"])
    return [
        {"msisdn": numbers[row.line], **{name: value for name, value in row.__dict__.items() if name != "line"}} for row in rows
    ]
