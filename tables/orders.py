"""What customers order: lines and services, and the numbers that they bring along."""

from piccolo.columns import JSON, Boolean, Date, ForeignKey, Integer, Serial, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.table import Table

from rules.states import OrderItemKind, OrderItemState, OrderState, PortState
from tables.fleet import Line, Sim
from tables.parties import Customer


class Order(Table, tablename="customer_order", help_text="Commandes"):
    id: Serial
    number = Varchar(length=35, null=True, default=None, unique=True, help_text="Numéro")
    customer = ForeignKey(Customer, null=False, index=True, help_text="Client")
    salesperson = Varchar(length=100, help_text="Vendeur")
    state = Varchar(length=11, choices=OrderState, default=OrderState.draft, index=True, help_text="État")
    version = Integer(default=1, help_text="Version — une de plus à chaque enregistrement")
    reason = Text(help_text="Motif — du refus, de l'attente ou de l'annulation")
    reserved_until = Timestamptz(null=True, default=None, help_text="Cartes réservées jusqu'au")
    actor = Varchar(length=100, help_text="Saisie par")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Créée le")
    submitted_at = Timestamptz(null=True, default=None, help_text="Validée le")
    once = Varchar(length=64, null=True, default=None, help_text="Demande — une commande, combien de fois qu'elle soit envoyée")
    summary = Varchar(length=120, help_text="Récapitulatif — la place du PDF")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.number])


class OrderItem(Table, help_text="Lignes de commande"):
    id: Serial
    customer_order = ForeignKey(Order, null=False, index=True, help_text="Commande")
    position = Integer(help_text="Rang")
    kind = Varchar(length=7, choices=OrderItemKind, default=OrderItemKind.line, help_text="Nature")
    state = Varchar(length=9, choices=OrderItemState, default=OrderItemState.draft, help_text="État")
    asked = JSON(default="{}", help_text="Ce qui est commandé — comme l'interface le reçoit")
    sim = ForeignKey(Sim, null=True, index=True, help_text="Carte SIM — réservée pour elle seule")
    msisdn = Varchar(length=18, index=True, help_text="Numéro — porté ou donné par le réseau")
    line = ForeignKey(Line, null=True, index=True, help_text="Ligne ouverte")
    reason = Text(help_text="Motif du refus")


class PortingRequest(Table, help_text="Portabilités entrantes"):
    id: Serial
    item = ForeignKey(OrderItem, null=False, index=True, help_text="Ligne de commande")
    msisdn = Varchar(length=18, index=True, help_text="Numéro")
    rio = Varchar(length=12, index=True, help_text="RIO")
    porting_date = Date(index=True, help_text="Date de portabilité")
    time_slot = Varchar(length=40, help_text="Plage horaire")
    asked_by_customer = Boolean(default=False, help_text="Date demandée par le client")
    withdrawal_waived = Boolean(null=True, default=None, help_text="Rétractation — close ou renoncée, sur une vente à distance")
    state = Varchar(length=9, choices=PortState, default=PortState.draft, index=True, help_text="État")
    reason = Text(help_text="Motif — de l'opérateur donneur, ou de l'annulation")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Demandée le")
