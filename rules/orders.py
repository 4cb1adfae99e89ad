"""What a customer orders, and what is known of it: the shelf on the day of the order, an item once read, its faults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from rules.commitment import add_months
from rules.errors import RuleError
from rules.porting import Window
from rules.states import OfferKind, OrderItemKind, ProductKind, PurchaseMode, SaleMode, Terms

Asked = Mapping[str, Any]
MOST_ITEMS = 1_000


class Missing(RuleError):
    """Nothing where something is needed before the order can be submitted."""


class EmptyOrder(RuleError):
    """An order of nothing."""


class NotOnSale(RuleError):
    """A code that the catalogue does not sell on that day."""


class UnknownSim(RuleError):
    """A card that is not in the stock."""


class SimUnavailable(RuleError):
    """A card that no line may take."""


class SimReserved(RuleError):
    """A card that another order holds."""

    status = 409


class AskedTwice(RuleError):
    """One card, number or device on two items of an order."""


class CommitmentRefused(RuleError):
    """A commitment that this kind of customer may not take."""


class SpeedMissing(RuleError):
    """An option with DATA whose speed is not said."""


class NumberTaken(RuleError):
    """A number that lives in our fleet, or is on its way there."""

    status = 409


class Contradiction(RuleError):
    """Two fields that do not go together."""


class UnitUnavailable(RuleError):
    """A device that is not there to be sold."""


@dataclass(frozen=True)
class Version:
    """A version of the catalogue; `fee`: once, with the first charge; `data`: it holds an allowance of DATA."""

    id: int
    code: str
    label: str
    price: Decimal
    vat_rate: Decimal
    valid_from: date
    fee: Decimal = Decimal(0)
    data: bool = False
    recurring: bool = False
    nature: str = ProductKind.service


@dataclass(frozen=True)
class Bond:
    """A type of commitment; `kinds`: the customers who may take it."""

    id: int
    label: str
    months: int
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """`holder`: the number of another order that holds it; `ours`: this order holds it."""

    id: int
    state: str
    holder: str = ""
    ours: bool = False


@dataclass(frozen=True)
class Unit:
    id: int
    code: str
    state: str


Versions = Mapping[str, Sequence[Version]]


@dataclass(frozen=True)
class Shelf:
    """What is known on the day of the order. Versions stand oldest first; `numbers`: those that nobody may port, and why."""

    today: date
    kind: str
    window: Window = field(default_factory=Window)
    offers: Versions = field(default_factory=dict)
    options: Versions = field(default_factory=dict)
    products: Versions = field(default_factory=dict)
    devices: Versions = field(default_factory=dict)
    bonds: Mapping[str, Bond] = field(default_factory=dict)
    tables: Mapping[str, int] = field(default_factory=dict)
    cards: Mapping[str, Card] = field(default_factory=dict)
    units: Mapping[str, Unit] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Promise:
    """A discount, in per cent or in euros a month, to a day or for so many months; else without end."""

    percent: Decimal | None = None
    amount: Decimal | None = None
    until: date | None = None
    months: int | None = None

    def ends_on(self, start: date) -> date | None:
        """
        >>> Promise(Decimal(10), months=3).ends_on(date(2026, 12, 3)).isoformat()
        '2027-03-02'
        """
        return add_months(start, self.months) - timedelta(1) if self.months else self.until


@dataclass(frozen=True)
class Agreed:
    """An offer or an option at the price agreed."""

    kind: OfferKind
    version: Version
    price: Decimal
    speed: str = ""
    discounts: tuple[Promise, ...] = ()


@dataclass(frozen=True)
class Port:
    msisdn: str
    rio: str
    day: date
    time_slot: str
    asked_by_customer: bool
    withdrawal_waived: bool | None


@dataclass(frozen=True)
class Handset:
    """`unit`: the one of the stock that leaves it. The customer's own costs nothing."""

    sale: SaleMode
    purchase: PurchaseMode
    price: Decimal
    version: Version | None
    unit: int | None
    imei: str
    instalments: int = 0


@dataclass(frozen=True)
class Item:
    """What could be read of an item; None, or nothing, where it is missing or wrong. `ports`: it brings a number along."""

    kind: OrderItemKind
    starts_on: date | None = None
    user_name: str = ""
    iccid: str = ""
    ports: bool = False
    port: Port | None = None
    bond: Bond | None = None
    handset: Handset | None = None
    held: tuple[Agreed, ...] = ()
    table: int | None = None
    terms: Terms = Terms.advance
    service: Version | None = None
    quantity: int = 1
    price: Decimal = Decimal(0)
    ends_on: date | None = None


@dataclass(frozen=True)
class Fault:
    """`field`: where, as `items[0].porting.rio`."""

    field: str
    code: str
    message: str


@dataclass(frozen=True)
class Reading:
    """`warnings` are told and stop nothing."""

    item: Item
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()


def in_force(versions: Sequence[Version], *days: date | None) -> Version | None:
    """The version in force on the first of these days on which there is one."""
    for day in filter(None, days):
        if found := [version for version in versions if version.valid_from <= day]:
            return found[-1]
    return None


def reserved(iccid: str, holder: str = "") -> SimReserved:
    by = f"la commande {holder}" if holder else "une autre commande"
    return SimReserved(f"La carte {iccid} est réservée par {by}. Choisissez-en une autre.")
