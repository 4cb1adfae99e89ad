"""The outbox: every mail, from the act that asked for it to the answer of the server."""

from piccolo.columns import JSON, ForeignKey, Integer, Serial, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.table import Table

from rules.states import MailKind, MailState
from tables.invoices import Invoice
from tables.orders import Order


class Mail(Table, help_text="Envois — les messages partis et à partir"):
    id: Serial
    kind = Varchar(length=20, choices=MailKind, help_text="Nature")
    invoice = ForeignKey(Invoice, null=True, help_text="Facture")
    customer_order = ForeignKey(Order, null=True, index=True, help_text="Commande")
    recipient = Varchar(length=254, help_text="Destinataire")
    sender_name = Varchar(length=100, help_text="Nom de l'expéditeur")
    sender = Varchar(length=254, help_text="Adresse de l'expéditeur")
    subject = Varchar(length=300, help_text="Objet")
    text = Text(help_text="Texte")
    html = Text(help_text="Mise en page")
    attachments = JSON(default="[]", help_text="Pièces jointes — leurs noms et leurs places")
    message_id = Varchar(length=300, unique=True, help_text="Message-ID")
    state = Varchar(length=10, choices=MailState, default=MailState.queued, help_text="État")
    attempts = Integer(help_text="Essais — en tout")
    retries = Integer(help_text="Refus passagers de suite")
    next_at = Timestamptz(default=TimestamptzNow(), help_text="Prochain essai")
    claimed_at = Timestamptz(null=True, default=None, help_text="Dernier essai")
    answer = Text(help_text="Réponse du serveur")
    sent_at = Timestamptz(null=True, default=None, help_text="Envoyé le")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Écrit le")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.subject])
