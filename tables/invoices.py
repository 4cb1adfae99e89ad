"""Invoices and credit notes. A validated one never changes: the database itself refuses it (migrations)."""

from piccolo.columns import JSON, BigInt, Date, ForeignKey, Integer, Numeric, Serial, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.table import Table

from rules.states import CallType, DocumentKind, InvoiceKind, InvoiceOrigin, InvoiceState, Section
from tables.billing import BillingRun
from tables.charges import Charge
from tables.fleet import Line, LineItem
from tables.parties import Customer


class NumberSeries(Table, help_text="Séries de numéros"):
    id: Serial
    name = Varchar(length=60, unique=True, help_text="Série — le modèle, année comprise")
    last_number = Integer(help_text="Dernier numéro pris")
    last_issued_on = Date(null=True, default=None, help_text="Date du dernier document")


class Invoice(Table, help_text="Factures et avoirs"):
    id: Serial
    run = ForeignKey(BillingRun, null=True, index=True, help_text="Facturation")
    customer = ForeignKey(Customer, null=False, index=True, help_text="Client")
    origin = Varchar(length=10, choices=InvoiceOrigin, default=InvoiceOrigin.run, help_text="Origine")
    kind = Varchar(length=12, choices=InvoiceKind, help_text="Nature")
    state = Varchar(length=10, choices=InvoiceState, default=InvoiceState.draft, index=True, help_text="État")
    number = Varchar(length=35, null=True, default=None, unique=True, help_text="Numéro")
    issued_on = Date(null=True, default=None, help_text="Émise le")
    due_on = Date(null=True, default=None, help_text="Échéance")
    excl_vat_cents = BigInt(help_text="Total HT — en centimes")
    vat_cents = BigInt(help_text="TVA — en centimes")
    incl_vat_cents = BigInt(help_text="Total TTC — en centimes")
    corrects = Varchar(length=35, help_text="Facture corrigée — son numéro")
    corrects_on = Date(null=True, default=None, help_text="Facture corrigée — sa date")
    document = JSON(default="{}", help_text="Document")
    sha256 = Varchar(length=64, help_text="Empreinte du document")
    validated_at = Timestamptz(null=True, default=None, help_text="Validée le")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.number])


class InvoiceLine(Table, help_text="Lignes de facture"):
    id: Serial
    invoice = ForeignKey(Invoice, null=False, index=True, help_text="Facture")
    position = Integer(help_text="Rang")
    section = Varchar(length=14, choices=Section, help_text="Rubrique")
    line = ForeignKey(Line, null=True, index=True, help_text="Ligne mobile")
    item = ForeignKey(LineItem, null=True, index=True, help_text="Abonnement ou option")
    charge = ForeignKey(Charge, null=True, index=True, help_text="Service, matériel ou frais")
    label = Text(help_text="Libellé")
    quantity = Integer(default=1, help_text="Quantité")
    amount_cents = BigInt(help_text="Montant HT — en centimes")
    vat_rate = Numeric(digits=(5, 2), help_text="Taux de TVA")
    first_day = Date(null=True, default=None, help_text="Du")
    last_day = Date(null=True, default=None, help_text="Au")
    usage_month = Varchar(length=7, null=True, default=None, index=True, help_text="Mois d'usage")
    type = Varchar(length=5, null=True, default=None, choices=CallType, help_text="Type")
    category = Varchar(length=32, null=True, default=None, help_text="Catégorie")
    part = Varchar(length=1, null=True, default=None, help_text="Part — S pour un service de tiers")


class SealedDocument(Table, help_text="Documents scellés"):
    id: Serial
    invoice = ForeignKey(Invoice, null=False, index=True, help_text="Facture")
    kind = Varchar(length=8, choices=DocumentKind, help_text="Nature")
    name = Varchar(length=80, unique=True, help_text="Nom")
    path = Varchar(length=200, help_text="Emplacement")
    sha256 = Varchar(length=64, help_text="Empreinte")
    size_bytes = Integer(help_text="Taille — en octets")
    replaced_characters = Integer(help_text="Caractères absents de la police, remplacés")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Édité le")
