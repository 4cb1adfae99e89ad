"""An ordered item in words: what the page shows and the summary prints."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from rules import iccid, msisdn, rio
from rules.errors import RuleError
from rules.orders import Agreed, Handset, Item, Port
from rules.paris import french_date
from rules.recurring import french_percent
from rules.states import OrderItemKind, PurchaseMode, SaleMode

FIELDS = {
    "salesperson": "Vendeur", "kind": "Nature", "user_name": "Utilisateur", "iccid": "Carte SIM", "msisdn": "Numéro à garder",
    "rio": "RIO", "porting_date": "Jour de la portabilité", "time_slot": "Plage horaire", "product": "Article", "imei": "IMEI",
    "asked_by_customer": "Date demandée par le client", "withdrawal_waived": "Rétractation", "commitment_type": "Engagement",
    "sale_mode": "Mode de vente", "purchase_mode": "Mode d'achat", "instalments": "Mensualités", "unit_price": "Prix convenu",
    "offer": "Abonnement", "monthly_price": "Prix convenu", "code": "Option", "data_speed": "Débit", "on": "Remise sur",
    "percent": "Remise, en pour cent", "amount": "Remise, en euros", "until": "Remise, jusqu'au", "months": "Remise, en mois",
    "rate_table": "Grille tarifaire", "billing_terms": "Facturation", "activated_on": "Mise en service", "quantity": "Quantité",
    "starts_on": "Début", "ends_on": "Fin",
}  # fmt: skip
DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
Fact = tuple[str, str]


def euros(price: Decimal) -> str:
    """A price with the decimals that it has, two at least.

    >>> euros(Decimal("8.325000")), euros(Decimal("16.6"))
    ('8,325\\u202f€', '16,60\\u202f€')
    """
    whole, _, part = f"{price.normalize():f}".partition(".")
    return f"{int(whole):,}".replace(",", "\u202f") + f",{part:0<2}\u202f€"


def weekday(day: date) -> str:
    """
    >>> weekday(date(2026, 12, 3))
    'jeudi 3 décembre 2026'
    """
    return f"{DAYS[day.weekday()]} {french_date(day)}"


def field(path: str) -> str:
    """A field of an order, as the journal names it.

    >>> field("items[1].porting.rio"), field("salesperson")
    ('Ligne 2, RIO', 'Vendeur')
    """
    word = FIELDS.get(path.rpartition(".")[2], path)
    found = re.match(r"items\[(\d+)\]", path)
    return f"Ligne {int(found[1]) + 1}, {word}" if found else word


def count(lines: int, services: int) -> str:
    """
    >>> count(3, 1)
    '3 lignes mobiles et 1 service'
    """
    parts = ((lines, "ligne mobile", "lignes mobiles"), (services, "service", "services"))
    return " et ".join(f"{number} {one if number == 1 else many}" for number, one, many in parts if number)


def title(item: Item) -> str:
    if item.kind == OrderItemKind.service:
        return item.service.label if item.service else "Service"
    return item.user_name or "Ligne mobile"


def facts(item: Item) -> Iterator[Fact]:
    """What is known of an item: a word, and what it is."""
    yield from _service(item) if item.kind == OrderItemKind.service else _line(item)


def rio_answer(written: str, number: str, kind: str) -> tuple[str, str]:
    """What to say of a RIO while it is typed: how it looks (wait, bad, good), and a sentence.

    >>> rio_answer("01PA1B2C3N", "0612345678", "CONSUMER")
    ('wait', '10 caractères sur 12. Continuez.')
    >>> rio_answer("01PA1B2C3NLF", "0612345678", "CONSUMER")
    ('good', 'Clé juste pour ce numéro. Ligne de particulier, opérateur Orange.')
    """
    typed = rio.compact(written)
    if not typed:
        return "", ""
    if len(typed) < 3 or (len(typed) < 12 and typed[2] in rio.LETTERS):
        return "wait", f"{len(typed)} caractères sur 12. Continuez."
    if typed[2] not in rio.LETTERS:
        fixed = " « F » désigne une ligne fixe." if typed[2] == "F" else ""
        return "bad", f"Le troisième caractère doit être E (entreprise) ou P (particulier).{fixed}"
    if not number.strip():
        return "wait", "Donnez aussi le numéro à garder : la clé se vérifie avec lui."
    try:
        rio.validate(typed, number)
    except RuleError as problem:
        return "bad", str(problem)
    word = "de particulier" if typed[2] == "P" else "d'entreprise"
    donor = f"opérateur {rio.operator(typed) or typed[:2]}"
    told, warned = f"Clé juste pour ce numéro. Ligne {word}, {donor}.", rio.warning(typed, kind)
    return ("wait", f"{told} {warned}") if warned else ("good", told)


def _service(item: Item) -> Iterator[Fact]:
    if item.service:
        each = " par mois" if item.service.recurring else ""
        yield "Prix", f"{item.quantity} × {euros(item.price)} HT{each}{_catalogue(item.price, item.service.price)}"
    if item.starts_on:
        yield "Début", french_date(item.starts_on)
    if item.ends_on:
        yield "Fin", french_date(item.ends_on)


def _line(item: Item) -> Iterator[Fact]:
    if item.port:
        yield from _port(item.port)
    else:
        yield "Numéro", "À porter : la demande est incomplète" if item.ports else "Donné par le réseau à la mise en service"
    if item.iccid:
        yield "Carte SIM", iccid.format(item.iccid)
    for agreed in item.held:
        yield agreed.kind.label, _agreed(agreed)
        for one in agreed.discounts:
            end = f" jusqu'au {french_date(one.until)}" if one.until else f" pendant {one.months} mois" if one.months else ""
            cut = french_percent(one.percent) if one.percent is not None else f"{euros(one.amount or Decimal(0))} HT par mois"
            yield "Remise", f"{cut}{end}, {agreed.version.label}"
    if item.bond:
        yield "Engagement", item.bond.label
    if item.handset:
        yield "Terminal", _handset(item.handset)
    yield "Facturation", f"{item.terms.label}" + (f", depuis le {french_date(item.starts_on)}" if item.starts_on else "")


def _port(port: Port) -> Iterator[Fact]:
    yield "Numéro", f"{msisdn.format(port.msisdn)}, porté le {weekday(port.day)}" + (port.time_slot and f", {port.time_slot}")
    yield "RIO", rio.format(port.rio)
    if port.asked_by_customer:
        yield "Date", "Demandée par le client"
    if port.withdrawal_waived is not None:
        yield "Rétractation", "Délai clos, ou renoncé" if port.withdrawal_waived else "Délai encore ouvert"


def _agreed(agreed: Agreed) -> str:
    speed = f", {agreed.speed}" if agreed.speed else ""
    return f"{agreed.version.label}, {euros(agreed.price)} HT par mois{_catalogue(agreed.price, agreed.version.price)}{speed}"


def _catalogue(price: Decimal, known: Decimal) -> str:
    return "" if price == known else f" (catalogue : {euros(known)})"


def _handset(handset: Handset) -> str:
    name = handset.version.label if handset.version else "Le sien"
    number = f", IMEI {handset.imei}" if handset.imei else ""
    if handset.sale == SaleMode.own:
        return f"{handset.sale.label}{number}"
    price = f"{euros(handset.price)} HT"
    if handset.sale == SaleMode.rented:
        paid = f"{price} par mois"
    elif handset.purchase == PurchaseMode.instalments:
        paid = f"{price} en {handset.instalments} mensualités"
    else:
        paid = f"{price} en une fois"
    return f"{name}, {handset.sale.label.lower()}, {paid}{number}"
