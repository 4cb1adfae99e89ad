"""What customers use: SIM cards, lines, and the dated items that a line holds."""

from piccolo.columns import Boolean, Date, ForeignKey, Integer, Numeric, Serial, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.table import Table

from rules.states import International, LineState, OfferKind, SimKind, SimState, Terms
from tables.catalogue import CommitmentType, Offer, RateTable
from tables.parties import Customer


class Sim(Table, help_text="Cartes SIM"):
    id: Serial
    iccid = Varchar(length=20, unique=True, help_text="ICCID")
    imsi = Varchar(length=15, index=True, help_text="IMSI")
    kind = Varchar(length=8, choices=SimKind, default=SimKind.physical, help_text="Support")
    state = Varchar(length=10, choices=SimState, default=SimState.in_stock, index=True, help_text="État")
    blocked_from = Varchar(
        length=10, choices=SimState, default=SimState.in_stock,
        help_text="Avant blocage — l'état qu'elle retrouve une fois débloquée",
    )  # fmt: skip
    batch = Varchar(length=60, index=True, help_text="Lot")
    msisdn = Varchar(length=18, help_text="Numéro attribué d'avance")
    secrets = Text(secret=True, help_text="Codes chiffrés — PIN, PUK, activation")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Entrée en stock le")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.iccid])


class SimBatch(Table, help_text="Lots de cartes SIM — ceux dont le stock est surveillé"):
    id: Serial
    name = Varchar(length=60, unique=True, help_text="Lot")
    alert_threshold = Integer(help_text="Seuil d'alerte — prévenir quand il reste moins de cartes en stock ; 0 = jamais")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.name])


class Line(Table, help_text="Lignes mobiles"):
    id: Serial
    msisdn = Varchar(length=18, index=True, help_text="Numéro de ligne")
    customer = ForeignKey(Customer, null=False, index=True, help_text="Client")
    sim = ForeignKey(Sim, null=True, unique=True, help_text="Carte SIM")
    user_name = Varchar(length=120, help_text="Utilisateur")
    state = Varchar(length=24, choices=LineState, default=LineState.active, index=True, help_text="État")
    state_before = Varchar(
        length=24, choices=LineState, default=LineState.active,
        help_text="Avant résiliation programmée — l'état retrouvé si elle est annulée",
    )  # fmt: skip
    international = Varchar(length=5, choices=International, default=International.europe, help_text="Comportement international")
    rate_table = ForeignKey(RateTable, null=False, help_text="Grille tarifaire")
    activated_on = Date(help_text="Active depuis le")
    terminated_on = Date(null=True, default=None, help_text="Résiliée le — dernier jour compris")
    commitment_type = ForeignKey(CommitmentType, null=True, help_text="Engagement")
    commitment_start = Date(null=True, default=None, help_text="Engagée depuis le")
    subsidised = Boolean(default=False, help_text="Terminal subventionné — avec l'abonnement")
    ported_to = Varchar(length=60, help_text="Portée vers — l'opérateur receveur")
    billed_by_number = Varchar(length=35, help_text="Dernière facture de l'ancien système — son numéro")
    billed_by_date = Date(null=True, default=None, help_text="Dernière facture de l'ancien système — sa date")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.msisdn])


class LineItem(Table, help_text="Abonnements et options des lignes"):
    id: Serial
    line = ForeignKey(Line, null=False, index=True, help_text="Ligne")
    kind = Varchar(length=6, choices=OfferKind, help_text="Nature")
    offer = ForeignKey(Offer, null=False, help_text="Version du catalogue")
    position = Integer(help_text="Rang — l'ordre dans lequel les forfaits se consomment")
    monthly_price = Numeric(digits=(12, 6), help_text="Prix convenu HT")
    terms = Varchar(length=7, choices=Terms, default=Terms.advance, help_text="Terme")
    starts_on = Date(help_text="Depuis le")
    ends_on = Date(null=True, default=None, help_text="Jusqu'au")
    billed_until = Date(null=True, default=None, help_text="Facturé jusqu'au")
    taken_over_until = Date(null=True, default=None, help_text="Facturé par l'ancien système jusqu'au")


class Discount(Table, help_text="Remises — conditions particulières"):
    id: Serial
    item = ForeignKey(LineItem, null=False, index=True, help_text="Abonnement ou option")
    percent = Numeric(digits=(5, 2), null=True, default=None, help_text="En pour cent")
    amount = Numeric(digits=(12, 6), null=True, default=None, help_text="En euros HT par mois")
    until = Date(null=True, default=None, help_text="Jusqu'au")
