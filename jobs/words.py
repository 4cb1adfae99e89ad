"""The words of every mail: composed for an act, changed by a clerk, each version kept."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from jobs import face as faces
from jobs import reseller
from rules import letters, wording, words
from rules.errors import RuleError
from rules.french import french
from rules.states import InvoiceState
from tables.engine import NOT_UNIQUE, transaction
from tables.invoices import Invoice
from tables.parties import Customer
from tables.timeline import tell
from tables.words import MailTemplate

LAYOUTS = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates/mail"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
LAYOUTS.filters["breaks"] = lambda text: Markup("<br>").join(escape(line) for line in text.split("\n"))
ON_A_PAGE = 30
LOGO = "logo"  # the Content-ID of the reseller's logo in a mail


class ChangedMeanwhile(RuleError):
    """Someone else saved the template since it was opened."""

    status = 409

    def __init__(self, actor: str) -> None:
        super().__init__(
            f"{actor} a enregistré ce modèle pendant que vous l'écriviez. Ouvrez-le dans un autre onglet, reportez-y votre texte."
        )


class NothingChanged(RuleError):
    """A text saved as it already is."""


class UnknownCustomer(RuleError):
    """A preview for a customer who does not exist."""


@dataclass(frozen=True)
class Words:
    """A mail, but for its recipient. `html` may name one inline image: `face().logo_cid`."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Version:
    """What counts for a kind; version 0 is the shipped text before anyone touched it."""

    kind: words.Kind
    subject: str
    body: str
    version: int = 0
    shipped: bool = True
    actor: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Face:
    """The reseller as mails show it; `values`: what every text may say of it."""

    name: str
    address: str
    values: dict[str, str]
    accent: str = "#14549c"
    on_accent: str = "#ffffff"
    logo_cid: str = ""


async def face() -> Face:
    seller, worn = await reseller.current(), await faces.face()
    named = " ".join(filter(None, (seller.name, seller.legal_form)))
    address = ", ".join(filter(None, (named, seller.street, f"{seller.postcode} {seller.city}".strip())))
    values = {"reseller_name": seller.name, "reseller_phone": seller.phone.replace(" ", "\u00a0"), "reseller_email": seller.email}
    tint = {"accent": worn.accent, "on_accent": worn.on_accent} if worn.accent else {}
    return Face(seller.name, address, values, logo_cid=LOGO if worn.logo_sha256 else "", **tint)


async def compose(kind: str, context: dict[str, Any]) -> Words:
    """The mail of a kind, in the words that count today. Raises UnknownKind, ValueMissing, UnsafeSubject."""
    return (await composer(kind))(context)


async def composer(kind: str) -> Callable[[dict[str, Any]], Words]:
    """What composes many mails of a kind, from one reading of its words and of the reseller's face."""
    found = await current(kind)
    return partial(_compose, await face(), found.kind, found.subject, found.body)


def _compose(ours: Face, kind: words.Kind, subject: str, body: str, context: dict[str, Any]) -> Words:
    letter = wording.render(kind, subject, body, ours.values | context)
    foot = [line for line in (ours.address, french(kind.reason)) if line]
    text = "\n".join([ours.name, "", letters.plain(letter.blocks), "", "-- ", *foot, ""])
    html = LAYOUTS.get_template("layout.html").render(subject=letter.subject, blocks=letter.blocks, face=ours, foot=foot)
    return Words(letter.subject, text, html)


async def current(kind: str) -> Version:
    """What counts: the last version; the shipped text when there is none, or when the last is a return to it."""
    known = words.kind(kind)
    row = await MailTemplate.select().where(MailTemplate.kind == kind).order_by(MailTemplate.version, ascending=False).first()
    return _version(known, row)


def _version(kind: words.Kind, row: dict[str, Any] | None) -> Version:
    if row is None:
        return Version(kind, kind.subject, kind.body)
    subject, body = (kind.subject, kind.body) if row["shipped"] else (row["subject"], row["body"])
    return Version(kind, subject, body, row["version"], row["shipped"], row["actor"], row["at"])


async def overview() -> list[Version]:
    """Every kind with what counts, in the order of the law."""
    rows = await MailTemplate.select().order_by(MailTemplate.version)
    last = {row["kind"]: row for row in rows}
    return [_version(kind, last.get(code)) for code, kind in words.KINDS.items()]


async def history(kind: str) -> list[tuple[Version, list[tuple[str, str]]]]:
    """The versions, the last first, each with what it changed."""
    known = words.kind(kind)
    rows = await MailTemplate.select().where(MailTemplate.kind == kind).order_by(MailTemplate.version)
    found, before = [], (known.subject, known.body)
    for row in rows:
        after = row["subject"], row["body"]
        version = Version(known, row["subject"], row["body"], row["version"], row["shipped"], row["actor"], row["at"])
        found.append((version, wording.changes("\n".join(before), "\n".join(after))))
        before = after
    return found[::-1]


async def save(kind: str, subject: str, body: str, version: int, actor: str, now: datetime) -> None:
    """A new version, made from that one. Raises TemplateRefused, NothingChanged, ChangedMeanwhile."""
    known, subject, body = words.kind(kind), subject.strip(), letters.lf(body).strip()
    wording.check(known, subject, body)
    before = await current(kind)
    if (before.subject, before.body) == (subject, body):
        raise NothingChanged("Rien n'a changé : ce texte est déjà celui qui part.")
    await _write(before, version, MailTemplate(kind=kind, subject=subject, body=body, actor=actor, at=now), "saved")


async def reset(kind: str, version: int, actor: str, now: datetime) -> None:
    """Back to the shipped text, as a new version. Raises NothingChanged, ChangedMeanwhile."""
    known, before = words.kind(kind), await current(kind)
    if before.shipped:
        raise NothingChanged("Rien n'a changé : ce modèle est déjà celui d'origine.")
    row = MailTemplate(kind=kind, subject=known.subject, body=known.body, shipped=True, actor=actor, at=now)
    await _write(before, version, row, "reset")


async def _write(before: Version, version: int, row: MailTemplate, event: str) -> None:
    if before.version != version:
        raise ChangedMeanwhile(before.actor)
    row.version = version + 1
    try:
        async with transaction():
            await row.save()
            old, new = ({"subject": one.subject, "body": one.body} for one in (before, row))
            await tell(row.actor, event, "mail_template", row.id, old, new)
    except NOT_UNIQUE:
        raise ChangedMeanwhile((await current(row.kind)).actor) from None


async def customers() -> list[dict[str, Any]]:
    """Some customers to look at a mail with."""
    return (
        await Customer.select(Customer.customer_number, Customer.company_name).order_by(Customer.customer_number).limit(ON_A_PAGE)
    )


async def preview(kind: str, subject: str, body: str, customer_number: str) -> Words:
    """The mail as a customer would get it; an empty number gives the examples. Raises UnknownCustomer, TemplateRefused."""
    known = words.kind(kind)
    wording.check(known, subject, body)
    return _compose(await face(), known, subject, body, known.examples | await _values(customer_number))


async def shown(made: Words) -> str:
    """The HTML as a page may show it: the logo, which a mail brings along, stands in it."""
    png = (await faces.face()).logo_png or b""
    return made.html.replace(f"cid:{LOGO}", f"data:image/png;base64,{base64.b64encode(png).decode()}")


async def _values(customer_number: str) -> dict[str, str]:
    """What is known of one customer: itself, and its last invoice."""
    if not customer_number:
        return {}
    customer = None
    if customer_number.isprintable():
        customer = await Customer.select().where(Customer.customer_number == customer_number).first()
    if customer is None:
        raise UnknownCustomer(f"Le client « {customer_number[:40]} » n'existe pas. Choisissez un numéro de la liste.")
    values = {
        "customer_name": customer["company_name"],
        "customer_number": customer["customer_number"],
        "contact_name": customer["billing_contact_name"],
        "login": customer["login"],
        "purchase_order": customer["purchase_order"],
    }
    rows = (
        Invoice.select(Invoice.document)
        .where(Invoice.customer == customer["id"], Invoice.state == InvoiceState.validated)
        .order_by(Invoice.issued_on, Invoice.id, ascending=False)
    )
    if row := await rows.first().output(load_json=True):
        values |= words.invoice_values(row["document"])
        values["amount_due"] = values["incl_vat"]
    return values
