"""One search over lines, customers, cards, orders, ports and documents.

No index is kept for it, so that what an import, the admin or an order wrote a moment ago is found. PostgreSQL matches names
letter by letter against all that fold to the same, by regular expression; SQLite by LIKE, which ignores the case of ASCII,
on the name and on its form without accents, which triggers keep (tables/migrations). To read a hundred thousand names takes
20 to 60 ms on either, numbers less: their index is read instead of the table.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from piccolo.columns import Column
from piccolo.columns.combination import WhereRaw
from piccolo.query.methods.select import Count
from piccolo.table import Table

from jobs.imports.store import select_in
from rules import rio, seek
from rules.msisdn import format as phone
from rules.states import DocumentKind, InvoiceKind, LineState, OrderState, PortState, SimState
from tables.engine import on_sqlite
from tables.fleet import Line, Sim
from tables.invoices import Invoice, SealedDocument
from tables.orders import Order, PortingRequest
from tables.parties import Customer

Row = dict[str, Any]
MOST = 20
WHOLE = 9  # digits of a number that is surely meant whole
PLAIN = ("line", "customer")
RIO_PART = re.compile("[A-Z0-9+]{4,22}")
CUSTOMER_TEXT = (
    Customer.company_name, Customer.customer_number, Customer.login, Customer.siren, Customer.city,
    Customer.billing_contact_name, Customer.billing_email, Customer.site_contact_name, Customer.site_email,
)  # fmt: skip


@dataclass(frozen=True)
class Hit:
    """What the API tells of a find. For the page: the number by which it is known, its state as code and word."""

    kind: str
    id: int
    label: str
    detail: str
    url: str
    key: str
    state: tuple[str, str] = field(default=("", ""))


@dataclass(frozen=True)
class Found:
    """The first hits of each kind, and how many there are."""

    hits: dict[str, list[Hit]]
    totals: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.totals.values())


def written(*columns: Column, words: Sequence[str]) -> Any:
    """Every word stands somewhere in these columns, whatever its case and accents."""
    table = columns[0]._meta.table._meta.tablename
    names = [f'"{table}"."{column._meta.db_column_name}"' for column in columns]
    text = " || ' ' || ".join(f"coalesce({name}, '')" for name in names) if len(names) > 1 else names[0]
    if not on_sqlite():
        ways = ["|".join(_pattern(way) for way in seek.spellings(word)) for word in words]
        return WhereRaw(" AND ".join(f"({text}) ~ {{}}" for _ in ways), *ways)
    likes = [seek.like(word) for word in words]
    found = " AND ".join(f"{text} LIKE {{}}" for _ in likes)
    if table not in PLAIN:
        return WhereRaw(found, *likes)
    plain = " AND ".join("name LIKE {}" for _ in likes)
    return WhereRaw(f'({found} OR "{table}"."id" IN (SELECT id FROM {table}_plain WHERE {plain}))', *likes, *likes)


def _pattern(way: list[str]) -> str:
    """A word as a regular expression: a class for each letter."""
    return "".join("." if not letters else letters if len(letters) == 1 else f"[{letters}]" for letters in way)


async def search(text: str) -> Found:
    """Everything that this may mean, at most MOST of a kind. Under two signs nothing is looked for."""
    number = seek.digits(text)
    words = [number] if number else seek.words(text)
    found: dict[str, tuple[list[Hit], int]] = {}
    if max(map(len, map(seek.folded, words)), default=0) >= seek.SHORTEST:
        finders = {"line": _lines, "customer": _customers, "sim": _sims, "order": _orders, "invoice": _invoices, "port": _ports}
        answers = await asyncio.gather(*(find(words, number) for find in finders.values()))
        found = dict(zip(finders, answers, strict=True))
    return Found({kind: hits for kind, (hits, _) in found.items() if hits}, {kind: total for kind, (_, total) in found.items()})


def surely(found: Found, text: str) -> str:
    """The page of the one thing that bears this whole number, if it is so."""
    hits = [hit for hits in found.hits.values() for hit in hits]
    if len({hit.url for hit in hits}) != 1 or found.total > len(hits) or not re.search("[0-9]", text):
        return ""
    keys, wanted = {seek.folded(hit.key) for hit in hits}, seek.folded(seek.clean(text))
    whole = [needle for needle in seek.needles(text) if len(needle) >= WHOLE and any(key.endswith(needle) for key in keys)]
    return hits[0].url if whole or wanted in keys else ""


async def _rows(table: type[Table], key: Column, condition: Any, *columns: Any) -> tuple[list[Row], int]:
    """The first rows, and how many there are. `key` alone is read first: its index spares the engine the whole table."""
    keys = await table.select(key).where(condition).limit(MOST + 1).output(as_list=True)
    if len(keys) > MOST:
        counted = await table.select(Count(key, alias="rows")).where(condition).first()
        total = int(counted["rows"]) if counted else 0
    else:
        total = len(keys)
    rows = await select_in([*columns], key, keys[:MOST]) if keys else []
    return sorted(rows, key=lambda row: str(row[key._meta.name])), total


async def _lines(words: list[str], number: str) -> tuple[list[Hit], int]:
    if number:
        condition: Any = None
        for pattern in seek.line_patterns(number):
            condition = Line.msisdn.like(pattern) if condition is None else condition | Line.msisdn.like(pattern)
    elif words:
        condition = written(Line.user_name, words=words)
    else:
        return [], 0
    customer = Line.customer
    rows, total = await _rows(
        Line, Line.msisdn if number else Line.id, condition,
        Line.id, Line.msisdn, Line.user_name, Line.state, customer.company_name.as_alias("company"),
    )  # fmt: skip
    return [
        Hit(
            "line", row["id"], phone(row["msisdn"]), ", ".join(filter(None, (row["user_name"], row["company"]))),
            f"/lignes/{row['msisdn']}", row["msisdn"], (row["state"], LineState(row["state"]).label),
        )
        for row in rows
    ], total  # fmt: skip


async def _customers(words: list[str], number: str) -> tuple[list[Hit], int]:
    rows, total = await _rows(
        Customer, Customer.customer_number, written(*CUSTOMER_TEXT, words=words), Customer.id, Customer.customer_number,
        Customer.company_name, Customer.siren, Customer.postcode, Customer.city,
    )  # fmt: skip
    hits = []
    for row in rows:
        siren = f"SIREN {row['siren']}" if number and number in row["siren"] else ""
        detail = ", ".join(filter(None, (row["customer_number"], siren, f"{row['postcode']} {row['city']}".strip())))
        key = row["customer_number"]
        hits.append(Hit("customer", row["id"], row["company_name"], detail, f"/clients/{key}", key))
    return hits, total


async def _sims(words: list[str], number: str) -> tuple[list[Hit], int]:
    if not number:
        return [], 0
    rows, total = await _rows(Sim, Sim.iccid, Sim.iccid.like(f"%{number}%"), Sim.id, Sim.iccid, Sim.batch, Sim.state)
    return [
        Hit(
            "sim", row["id"], row["iccid"], row["batch"], f"/cartes/{row['iccid']}", row["iccid"],
            (row["state"], SimState(row["state"]).label),
        )
        for row in rows
    ], total  # fmt: skip


async def _orders(words: list[str], number: str) -> tuple[list[Hit], int]:
    rows, total = await _rows(
        Order, Order.number, written(Order.number, words=words),
        Order.id, Order.number, Order.state, Order.customer.company_name.as_alias("company"),
    )  # fmt: skip
    return [
        Hit(
            "order", row["id"], row["number"], row["company"], f"/commandes/{row['id']}", row["number"],
            (row["state"], OrderState(row["state"]).label),
        )
        for row in rows
    ], total  # fmt: skip


async def _invoices(words: list[str], number: str) -> tuple[list[Hit], int]:
    customer = Invoice.customer
    rows, total = await _rows(
        Invoice, Invoice.number, written(Invoice.number, words=words), Invoice.id, Invoice.number, Invoice.kind,
        customer.company_name.as_alias("company"), customer.customer_number.as_alias("customer_number"),
    )  # fmt: skip
    paper = SealedDocument
    papers = await select_in([paper.invoice, paper.name, paper.kind], paper.invoice, [row["id"] for row in rows])
    names = {one["invoice"]: one["name"] for one in papers if one["kind"] == DocumentKind.invoice}
    return [
        Hit(
            "invoice", row["id"], row["number"], f"{InvoiceKind(row['kind']).label}, {row['company']}",
            f"/facturation/document/{names[row['id']]}" if row["id"] in names else f"/clients/{row['customer_number']}#factures",
            row["number"],
        )
        for row in rows
    ], total  # fmt: skip


async def _ports(words: list[str], number: str) -> tuple[list[Hit], int]:
    """By the RIO, or by the number that comes along."""
    code = "".join(words).upper()
    if not (RIO_PART.fullmatch(code) and re.search("[0-9]", code)):
        return [], 0
    port: Any = PortingRequest
    order = port.item.customer_order
    condition: Any = port.rio.like(f"%{code}%")
    for pattern in seek.line_patterns(number) if number else ():
        condition |= port.msisdn.like(pattern)
    rows, total = await _rows(
        port, port.id, condition, port.id, port.rio, port.msisdn, port.state,
        order.id.as_alias("order"), order.customer.company_name.as_alias("company"),
    )  # fmt: skip
    return [
        Hit(
            "port", row["id"], rio.format(row["rio"]), f"{row['msisdn']}, {row['company']}",
            f"/commandes/{row['order']}", row["rio"], (row["state"], PortState(row["state"]).label),
        )
        for row in rows
    ], total  # fmt: skip
