"""The month as it is billed: runs, what they found, what was waived, who was set aside."""

from piccolo.columns import JSON, ForeignKey, Integer, Serial, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.table import Table

from rules.states import RunState, Severity
from tables.parties import Customer


class BillingRun(Table, help_text="Facturations"):
    id: Serial
    month = Varchar(length=7, index=True, help_text="Mois")
    state = Varchar(length=10, choices=RunState, default=RunState.queued, help_text="État")
    stage = Varchar(length=40, help_text="Étape en cours")
    done = Integer(help_text="Fait")
    total = Integer(help_text="Sur")
    totals = JSON(default="{}", help_text="Totaux")
    usage_path = Varchar(length=200, help_text="CDR valorisés — emplacement")
    error = Text(help_text="Dernier échec")
    actor = Varchar(length=100, help_text="Lancée par")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Lancée le")
    validated_at = Timestamptz(null=True, default=None, help_text="Validée le")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.month])


class Finding(Table, help_text="Contrôles — anomalies d'une facturation"):
    id: Serial
    run = ForeignKey(BillingRun, null=False, index=True, help_text="Facturation")
    code = Varchar(length=40, help_text="Contrôle")
    severity = Varchar(length=8, choices=Severity, help_text="Gravité")
    customer_number = Varchar(length=32, null=True, default=None, help_text="Client")
    msisdn = Varchar(length=18, null=True, default=None, help_text="Ligne")
    message = Text(help_text="Ce qui ne va pas")


class Waiver(Table, help_text="Dérogations"):
    id: Serial
    run = ForeignKey(BillingRun, null=False, index=True, help_text="Facturation")
    code = Varchar(length=40, help_text="Contrôle")
    customer_number = Varchar(length=32, null=True, default=None, help_text="Client")
    msisdn = Varchar(length=18, null=True, default=None, help_text="Ligne")
    reason = Text(help_text="Motif")
    actor = Varchar(length=100, help_text="Par")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Le")


class ParkedCustomer(Table, help_text="Clients mis de côté"):
    id: Serial
    run = ForeignKey(BillingRun, null=False, index=True, help_text="Facturation")
    customer = ForeignKey(Customer, null=False, help_text="Client")
    reason = Text(help_text="Motif")
