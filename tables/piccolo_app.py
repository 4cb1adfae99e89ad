"""The tables that Piccolo knows, in an order in which each stands after those it refers to."""

from pathlib import Path

from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from tables.access import AccessLink, IdempotentCall
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

TABLES: list[type[Table]] = [
    Reseller, Branding, InvoiceTemplate, MailTemplate, Customer,
    Offer, RateTable, RateVersion, Rate, RoamingZone, CommitmentType, Product, Device, DeviceUnit,
    Sim, SimBatch, Line, LineItem, Discount,
    Order, OrderItem, PortingRequest, LineChange, NetworkBatch, NetworkRequest, NetworkAnswerFile, Charge,
    BillingRun, Finding, Waiver, ParkedCustomer,
    CdrLayout, CdrFile, CdrPart, CdrReject, Arrival, ImportBatch, ImportItem,
    NumberSeries, Invoice, InvoiceLine, SealedDocument, Seal, Account, AccountingExport, Mail,
    Payment, Allocation, DebitBatch, Debit,
    TimelineEntry, AccessLink, IdempotentCall, JobRun,
]  # fmt: skip

APP_CONFIG = AppConfig(
    app_name="tables",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=TABLES,
    migration_dependencies=["piccolo.apps.user.piccolo_app", "piccolo_api.session_auth.piccolo_app"],
)
