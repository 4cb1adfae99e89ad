"""What a customer owes beside the subscriptions of lines: services, devices, instalments, fees, goodwill."""

from piccolo.columns import Boolean, Date, ForeignKey, Integer, Numeric, Serial, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from rules.states import ChargeKind, ProductKind, Terms
from tables.catalogue import DeviceUnit
from tables.fleet import Line
from tables.orders import OrderItem
from tables.parties import Customer


class Charge(Table, help_text="Services, matériels et frais — ce qu'un client doit hors abonnements"):
    id: Serial
    customer = ForeignKey(Customer, null=False, index=True, help_text="Client")
    line = ForeignKey(Line, null=True, index=True, help_text="Ligne")
    order_item = ForeignKey(OrderItem, null=True, index=True, help_text="Ligne de commande")
    unit = ForeignKey(DeviceUnit, null=True, help_text="Exemplaire")
    kind = Varchar(length=11, choices=ChargeKind, help_text="Facturé")
    nature = Varchar(length=9, choices=ProductKind, default=ProductKind.service, help_text="Nature")
    label = Varchar(length=160, help_text="Libellé")
    quantity = Integer(default=1, help_text="Quantité")
    unit_price = Numeric(digits=(12, 6), help_text="Prix HT — par mois si récurrent, d'une mensualité, ou une fois")
    vat_rate = Numeric(digits=(5, 2), help_text="Taux de TVA")
    terms = Varchar(length=7, choices=Terms, default=Terms.advance, help_text="Terme")
    instalments = Integer(null=True, default=None, help_text="Nombre de mensualités")
    starts_on = Date(help_text="Depuis le — ou son jour, si une fois")
    ends_on = Date(null=True, default=None, help_text="Jusqu'au")
    billed_until = Date(null=True, default=None, help_text="Facturé jusqu'au")
    invoiced = Boolean(default=False, help_text="Facturé — s'il l'est une fois")
    once = Varchar(length=64, null=True, default=None, help_text="Demande — unique : un bouton pressé deux fois compte une fois")
    reason = Text(help_text="Motif")
    actor = Varchar(length=100, help_text="Par")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Le")
