"""What is sold: offers, products, devices, rate tables, roaming zones. Everything dated; a version in use never changes."""

from decimal import Decimal

from piccolo.columns import Boolean, Date, ForeignKey, Integer, Numeric, Serial, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.table import Table

from rules.states import CallType, Direction, OfferKind, ProductKind, UnitState
from rules.vat import VatRate


class Offer(Table, help_text="Abonnements et options — une ligne par version"):
    id: Serial
    kind = Varchar(length=6, choices=OfferKind, default=OfferKind.offer, help_text="Nature")
    code = Varchar(length=32, index=True, help_text="Code")
    label = Varchar(length=120, help_text="Libellé")
    monthly_price = Numeric(digits=(12, 6), help_text="Prix mensuel HT")
    activation_fee = Numeric(digits=(12, 6), help_text="Frais de mise en service HT")
    vat_rate = Numeric(digits=(5, 2), choices=VatRate, help_text="Taux de TVA")
    allowances = Text(help_text="Forfaits inclus — TYPE:quantité:catégories[:POOL], séparés par |")
    data_speed = Varchar(length=60, help_text="Débit")
    international = Boolean(default=False, help_text="Profil monde permis")
    valid_from = Date(help_text="Valable depuis le")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s, %s", columns=[cls.code, cls.valid_from])


class Product(Table, help_text="Services et matériels — une ligne par version"):
    id: Serial
    code = Varchar(length=32, index=True, help_text="Code")
    kind = Varchar(length=9, choices=ProductKind, default=ProductKind.service, help_text="Nature")
    label = Varchar(length=120, help_text="Libellé")
    recurring = Boolean(default=False, help_text="Récurrent — facturé chaque mois")
    price = Numeric(digits=(12, 6), help_text="Prix HT — par mois si récurrent")
    vat_rate = Numeric(digits=(5, 2), choices=VatRate, default=Decimal(20), help_text="Taux de TVA")
    valid_from = Date(help_text="Valable depuis le")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s, %s", columns=[cls.code, cls.valid_from])


class Device(Table, help_text="Terminaux — une ligne par version ; le stock est le nombre d'exemplaires en stock"):
    id: Serial
    code = Varchar(length=32, index=True, help_text="Code")
    brand = Varchar(length=60, help_text="Marque")
    model = Varchar(length=120, help_text="Modèle")
    price = Numeric(digits=(12, 6), help_text="Prix HT")
    vat_rate = Numeric(digits=(5, 2), choices=VatRate, default=Decimal(20), help_text="Taux de TVA")
    valid_from = Date(help_text="Valable depuis le")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s, %s", columns=[cls.code, cls.valid_from])


class DeviceUnit(Table, help_text="Exemplaires de terminaux — un par IMEI"):
    id: Serial
    device = ForeignKey(Device, null=False, index=True, help_text="Terminal — la version sous laquelle il est entré")
    imei = Varchar(length=15, unique=True, help_text="IMEI — *#06# le montre")
    state = Varchar(length=8, choices=UnitState, default=UnitState.in_stock, help_text="État")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.imei])


class RateTable(Table, help_text="Grilles tarifaires"):
    id: Serial
    code = Varchar(length=32, unique=True, help_text="Code")
    label = Varchar(length=120, help_text="Libellé")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.code])


class RateVersion(Table, help_text="Versions de grille"):
    id: Serial
    rate_table = ForeignKey(RateTable, null=False, index=True, help_text="Grille")
    valid_from = Date(help_text="Valable depuis le")
    sha256 = Varchar(length=64, help_text="Empreinte du fichier")
    rows = Integer(help_text="Nombre de tarifs")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Chargée le")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s, %s", columns=[cls.rate_table.code, cls.valid_from])


class Rate(Table, help_text="Tarifs"):
    id: Serial
    version = ForeignKey(RateVersion, null=False, index=True, help_text="Version")
    origin = Varchar(length=16, help_text="Origine — HOME ou une zone d'itinérance")
    type = Varchar(length=5, choices=CallType, help_text="Type")
    direction = Varchar(length=3, choices=Direction, default=Direction.out, help_text="Sens")
    prefix = Varchar(length=16, help_text="Préfixe — =3900 pour un numéro court, * pour le reste")
    destination = Varchar(length=120, help_text="Destination")
    category = Varchar(length=32, help_text="Catégorie")
    unit_price = Numeric(digits=(12, 6), help_text="Prix HT — à la minute, au message ou au Mo")
    offpeak_unit_price = Numeric(digits=(12, 6), null=True, default=None, help_text="Prix HT en heures creuses")
    setup_fee = Numeric(digits=(12, 6), help_text="Frais de mise en relation HT")
    first_increment = Integer(default=60, help_text="Premier palier — secondes ou Ko")
    next_increment = Integer(default=1, help_text="Paliers suivants")
    service_per_call = Numeric(digits=(12, 6), help_text="Part service HT, par appel")
    service_per_minute = Numeric(digits=(12, 6), help_text="Part service HT, à la minute")


class RoamingZone(Table, help_text="Zones d'itinérance"):
    id: Serial
    zone = Varchar(length=16, unique=True, help_text="Zone")
    mcc = Text(help_text="Codes pays (MCC) — joints par +")


class CommitmentType(Table, help_text="Types d'engagement"):
    id: Serial
    code = Varchar(length=16, unique=True, help_text="Code")
    label = Varchar(length=60, help_text="Libellé")
    months = Integer(help_text="Durée — 0, 12, 24 ou 36 mois")
    customer_kinds = Varchar(length=30, default="BUSINESS+CONSUMER", help_text="Clients concernés")
    percent_first_year = Numeric(digits=(5, 2), help_text="Part due d'un mois restant — jusqu'au 12e mois, en %")
    percent_after = Numeric(digits=(5, 2), help_text="Part due d'un mois restant — après le 12e mois, en %")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.label])
