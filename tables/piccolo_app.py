"""The tables that Piccolo knows, in an order in which each stands after those it refers to."""

from pathlib import Path

from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from tables.access import AccessLink
from tables.billing import BillingRun, Finding, ParkedCustomer, Waiver
from tables.catalogue import CommitmentType, Offer, Rate, RateTable, RateVersion, RoamingZone
from tables.fleet import Discount, Line, LineItem, Sim
from tables.imports import ImportBatch
from tables.invoices import Invoice, InvoiceLine, NumberSeries, SealedDocument
from tables.mail import Mail
from tables.parties import Customer, Reseller
from tables.scheduling import JobRun
from tables.timeline import TimelineEntry
from tables.usage import CdrFile, CdrPart, CdrReject

TABLES: list[type[Table]] = [
    Reseller, Customer,
    Offer, RateTable, RateVersion, Rate, RoamingZone, CommitmentType,
    Sim, Line, LineItem, Discount,
    BillingRun, Finding, Waiver, ParkedCustomer,
    CdrFile, CdrPart, CdrReject, ImportBatch,
    NumberSeries, Invoice, InvoiceLine, SealedDocument, Mail,
    TimelineEntry, AccessLink, JobRun,
]  # fmt: skip

APP_CONFIG = AppConfig(
    app_name="tables",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=TABLES,
    migration_dependencies=["piccolo.apps.user.piccolo_app", "piccolo_api.session_auth.piccolo_app"],
)
