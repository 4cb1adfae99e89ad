"""The generated admin: reference data and looking up. Which tables, in which chapter, and what may change there."""

import re
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, urlsplit

from litestar import Request, Response, asgi
from litestar.response import Redirect
from litestar.types import Receive, Scope, Send
from piccolo_admin.endpoints import create_admin
from piccolo_api.rate_limiting.middleware import RateLimitProvider

from endpoints.admin_acts import Audited, LoginThrottled
from endpoints.admin_french import FRENCH, InFrench, page
from endpoints.guarded import guarded
from endpoints.problems import of_status, respond
from endpoints.rights import Rightful
from endpoints.session import IDLE, LONGER, LONGEST
from gateways.settings import SETTINGS
from jobs.accounting import account_kept
from jobs.catalogue import in_use, unit_sold
from jobs.reseller import SELLER
from rules.accounts import ACCOUNTS
from rules.catalogue import DEVICES, PRODUCTS
from rules.files import cells, kinds
from rules.files.rows import Column, Kind
from rules.rights import Right
from tables.access import User
from tables.accounting import Account, AccountingExport
from tables.billing import BillingRun, Finding, ParkedCustomer, Waiver
from tables.catalogue import CommitmentType, Device, DeviceUnit, Offer, Product, Rate, RateTable, RateVersion, RoamingZone
from tables.changes import LineChange, NetworkAnswerFile, NetworkBatch, NetworkRequest
from tables.charges import Charge
from tables.face import Branding, InvoiceTemplate
from tables.fleet import Discount, Line, LineItem, Sim, SimBatch
from tables.imports import ImportBatch, ImportItem
from tables.invoices import Invoice, InvoiceLine, NumberSeries, SealedDocument
from tables.mail import Mail
from tables.money import Allocation, Debit, DebitBatch, Payment
from tables.orders import Order, OrderItem, PortingRequest
from tables.parties import Customer, Reseller
from tables.scheduling import JobRun
from tables.seals import Seal
from tables.timeline import TimelineEntry
from tables.usage import Arrival, CdrFile, CdrLayout, CdrPart, CdrReject
from tables.words import MailTemplate

SETTINGS_MENU, CATALOGUE, FLEET, CUSTOMERS, CDRS, BILLING, JOURNAL = (
    f"{rank}. {chapter}"
    for rank, chapter in enumerate(("Réglages", "Catalogue", "Parc", "Clients", "CDR", "Facturation", "Journal"), 1)
)
RATE_TABLES = Kind("rate_tables", (Column("code", kinds.code, longest=32), Column("label", cells.text, "")), ("code",))
COMMITMENTS = Kind(
    "commitment_types",
    (
        Column("code", kinds.code, longest=16),
        Column("label", cells.text, longest=60),
        Column("months", cells.months),
        Column("percent_first_year", cells.decimal(2, Decimal(100))),
        Column("percent_after", cells.decimal(2, Decimal(100))),
    ),
    ("code",),
)


async def zone_used(row_id: int) -> bool:
    zones = await RoamingZone.select(RoamingZone.zone).where(RoamingZone.id == row_id).output(as_list=True)
    return await Rate.exists().where(Rate.origin.is_in(zones))


EDITABLE = [
    guarded(
        Reseller, SETTINGS_MENU, "name siren city",
        law=SELLER, creation=False, protected="invoice_pattern credit_note_pattern",
    ),
    guarded(
        Offer, CATALOGUE, "code kind label monthly_price vat_rate valid_from",
        law=kinds.OFFERS, used=in_use(Offer), frozen_when_used=True,
    ),
    guarded(
        Product, CATALOGUE, "code kind label recurring price vat_rate valid_from",
        law=PRODUCTS, used=in_use(Product), frozen_when_used=True,
    ),
    guarded(
        Device, CATALOGUE, "code brand model price vat_rate valid_from",
        law=DEVICES, used=in_use(Device), frozen_when_used=True,
    ),
    guarded(
        DeviceUnit, CATALOGUE, "imei device state", creation=False, protected="device imei state", used=unit_sold,
    ),
    guarded(RateTable, CATALOGUE, "code label", law=RATE_TABLES, used=in_use(RateTable), protected="code"),
    guarded(RoamingZone, CATALOGUE, "zone mcc", law=kinds.ROAMING_ZONES, used=zone_used, protected="zone"),
    guarded(CommitmentType, CATALOGUE, "code label months", law=COMMITMENTS, used=in_use(CommitmentType), frozen_when_used=True),
    guarded(Sim, FLEET, "iccid kind state batch msisdn", creation=False, protected="iccid state blocked_from"),
    guarded(
        Line, FLEET, "msisdn customer user_name state activated_on terminated_on",
        creation=False, protected=" ".join({column._meta.name for column in Line._meta.columns} - {"user_name"}),
    ),
    guarded(
        Customer, CUSTOMERS, "customer_number company_name kind city billing_email",
        law=kinds.CUSTOMER_SHEET, protected="customer_number hide_digits digits_shown_on",
    ),
    guarded(
        Account, BILLING, "family vat_rate number label", law=ACCOUNTS, used=account_kept, protected="family vat_rate",
    ),
]  # fmt: skip
READ_ONLY = [
    guarded(table, menu, columns, readonly=True)
    for table, menu, columns in (
        (Branding, SETTINGS_MENU, ""),
        (InvoiceTemplate, SETTINGS_MENU, ""),
        (NumberSeries, SETTINGS_MENU, ""),
        (MailTemplate, SETTINGS_MENU, "kind version shipped subject actor at"),
        (RateVersion, CATALOGUE, ""),
        (Rate, CATALOGUE, "prefix version origin type direction destination category unit_price"),
        (SimBatch, FLEET, ""),
        (LineItem, FLEET, ""),
        (Discount, FLEET, ""),
        (LineChange, FLEET, "kind line state effective_on actor created_at"),
        (NetworkRequest, FLEET, "kind msisdn state requested_at sent_at settled_at reason"),
        (NetworkBatch, FLEET, ""),
        (NetworkAnswerFile, FLEET, "name answers settled read_at"),
        (Order, CUSTOMERS, "number customer state salesperson created_at submitted_at"),
        (OrderItem, CUSTOMERS, "position customer_order kind state msisdn line"),
        (PortingRequest, CUSTOMERS, "msisdn rio porting_date state reason"),
        (Charge, CUSTOMERS, "label customer kind quantity unit_price starts_on ends_on"),
        (Arrival, CDRS, "name source state reason size_bytes seen_at cdr_file"),
        (CdrFile, CDRS, "name state rows loaded rejected created_at"),
        (CdrPart, CDRS, ""),
        (CdrReject, CDRS, ""),
        (ImportBatch, CDRS, "name kind state created changed rejected actor created_at"),
        (ImportItem, JOURNAL, ""),
        (CdrLayout, CDRS, "code label wholesaler name_pattern active"),
        (BillingRun, BILLING, "month state actor created_at validated_at"),
        (Finding, BILLING, ""),
        (Waiver, BILLING, ""),
        (ParkedCustomer, BILLING, ""),
        (Invoice, BILLING, "number kind state customer issued_on incl_vat_cents"),
        (InvoiceLine, BILLING, "label invoice section quantity amount_cents vat_rate"),
        (SealedDocument, BILLING, "name kind size_bytes created_at"),
        (Seal, BILLING, "series rank invoice paper sha256"),
        (AccountingExport, BILLING, "name first_day last_day documents debit_cents actor created_at"),
        (Mail, BILLING, "subject recipient kind state attempts sent_at created_at"),
        (Payment, BILLING, "received_on customer method source amount_cents reference"),
        (Allocation, BILLING, "amount_cents invoice payment credit_note"),
        (DebitBatch, BILLING, "name type collection_on debits total_cents state"),
        (Debit, BILLING, "end_to_end batch invoice customer amount_cents sequence state reason"),
        (JobRun, JOURNAL, "job state started_at ended_at done skipped problems"),
        (TimelineEntry, JOURNAL, "at actor subject subject_id event before after"),
    )
]
CONFIGS = [*EDITABLE, *READ_ONLY]
RIGHTS = {
    Reseller: Right.settings,
    **dict.fromkeys((Offer, Product, Device, DeviceUnit, RateTable, RoamingZone, CommitmentType), Right.catalogue),
    Sim: Right.sims,
    Line: Right.lines,
    Customer: Right.customers,
    Account: Right.settings,
}
"""What it takes to change a table here; every role reads them all."""


class Unlimited(RateLimitProvider):
    """The throttle of both logins stands before this one, whose block would last until a restart."""

    def increment(self, identifier: str) -> None:
        pass


ADMIN = create_admin(
    CONFIGS,
    auth_table=User,
    site_name="Ligne Claire",
    default_language_code="fr",
    translations=[FRENCH],
    auto_include_related=False,
    sidebar_links={"Facturation": "/facturation", "Versions du catalogue": "/catalogue"},
    rate_limit_provider=Unlimited(),
    production=SETTINGS.production,
    allowed_hosts=SETTINGS.allowed_hosts or [str(urlsplit(SETTINGS.public_url).hostname)],
    session_expiry=IDLE,
    increase_expiry=LONGER,
    max_session_expiry=LONGEST,
)
ADMIN.table_configs = CONFIGS  # the menu's order is ours, not the alphabet's
ADMIN.template = page(ADMIN.template, CONFIGS)
MOUNTED = [config.table_class for config in CONFIGS]
private: Any = next(route.app for route in ADMIN.routes if getattr(route, "path", "") == "/api")
private.app = Rightful(private.app, {config.table_class._meta.tablename: RIGHTS.get(config.table_class) for config in EDITABLE})
WRAPPED = LoginThrottled(Audited(InFrench(ADMIN, MOUNTED), MOUNTED))

CLOSED = re.compile(r"/admin(/api|/public)?/(docs|redoc|openapi\.json)(/|$)")
"""Descriptions of the admin's own API: their pages load scripts from other hosts, and nobody here needs them."""
OTHER_FORMS = re.compile(r"/admin/(public/log(in|out)|api/change-password)(/|$)")
"""Ready-made pages that double ours; only their POST is used."""


@asgi("/admin/", is_mount=True, copy_scope=True)
async def door(scope: Scope, receive: Receive, send: Send) -> None:
    raw = (scope.get("raw_path") or scope["path"].encode()).split(b"?")[0]
    path = unquote(raw.decode("latin-1"))
    if path == "/admin":
        answer: Response = Redirect("/admin/", status_code=307)
    elif CLOSED.match(path):
        answer = respond(of_status(404), path)
    elif OTHER_FORMS.match(path) and scope.get("method") in ("GET", "HEAD"):
        answer = Redirect("/entrer", status_code=303)
    else:
        return await WRAPPED({**scope, "root_path": scope.get("root_path", "") + "/admin", "path": path}, receive, send)
    await answer.to_asgi_response(app=None, request=Request(scope))(scope, receive, send)
