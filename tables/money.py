"""What customers pay, what that pays, and what is collected at their banks. Payments and allocations are only ever added."""

from piccolo.columns import BigInt, Date, ForeignKey, Integer, Serial, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.table import Table

from rules.states import DebitState, MandateType, PaymentMethod, PaymentSource, Sequence
from tables.invoices import Invoice
from tables.parties import Customer


class Payment(Table, help_text="Règlements — reçus, et leurs contrepassations"):
    id: Serial
    customer = ForeignKey(Customer, null=False, index=True, help_text="Client")
    method = Varchar(length=12, choices=PaymentMethod, help_text="Mode de paiement")
    source = Varchar(length=6, choices=PaymentSource, default=PaymentSource.manual, help_text="Origine")
    amount_cents = BigInt(help_text="Montant — en centimes, négatif quand il est repris")
    received_on = Date(index=True, help_text="Reçu le")
    reference = Varchar(length=140, help_text="Référence")
    key = Varchar(length=64, null=True, default=None, unique=True, help_text="Clé — pour ne jamais l'enregistrer deux fois")
    reverses: ForeignKey = ForeignKey("self", null=True, unique=True, help_text="Reprend le règlement")
    reason = Text(help_text="Motif")
    actor = Varchar(length=100, help_text="Par")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Enregistré le")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s, %s", columns=[cls.received_on, cls.amount_cents])


class Allocation(Table, help_text="Lettrage — ce qu'un règlement ou un avoir paie"):
    id: Serial
    invoice = ForeignKey(Invoice, null=False, index=True, help_text="Facture payée")
    payment = ForeignKey(Payment, null=True, index=True, help_text="Règlement")
    credit_note = ForeignKey(Invoice, null=True, index=True, help_text="Avoir")
    amount_cents = BigInt(help_text="Montant — en centimes")
    actor = Varchar(length=100, help_text="Par")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Le")


class DebitBatch(Table, help_text="Remises de prélèvements — telles qu'envoyées"):
    id: Serial
    name = Varchar(length=35, unique=True, help_text="Identifiant du message")
    type = Varchar(length=4, choices=MandateType, help_text="Type de mandat")
    collection_on = Date(help_text="Prélevée le")
    debits = Integer(help_text="Prélèvements")
    total_cents = BigInt(help_text="Total — en centimes")
    state = Varchar(length=9, choices=DebitState, default=DebitState.prepared, help_text="État")
    path = Varchar(length=200, help_text="Fichier")
    sha256 = Varchar(length=64, help_text="Empreinte du fichier")
    actor = Varchar(length=100, help_text="Par")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Préparée le")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.name])


class Debit(Table, help_text="Prélèvements"):
    id: Serial
    batch = ForeignKey(DebitBatch, null=False, index=True, help_text="Remise")
    invoice = ForeignKey(Invoice, null=False, index=True, help_text="Facture")
    customer = ForeignKey(Customer, null=False, index=True, help_text="Client")
    amount_cents = BigInt(help_text="Montant — en centimes")
    sequence = Varchar(length=4, choices=Sequence, help_text="Séquence")
    mandate_reference = Varchar(length=35, help_text="RUM")
    end_to_end = Varchar(length=35, unique=True, help_text="Référence de bout en bout")
    state = Varchar(length=9, choices=DebitState, default=DebitState.prepared, help_text="État")
    payment = ForeignKey(Payment, null=True, help_text="Règlement")
    reason = Text(help_text="Motif du rejet")
