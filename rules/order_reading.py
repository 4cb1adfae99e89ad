"""Reading what a customer orders against the catalogue, and judging it field by field (manual, chapters G and H).

Reading never stops at the first fault: each one is named at its field, and what can be read is read, so that an unfinished draft
can already be priced.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from rules import iccid as cards
from rules import imei as imeis
from rules import msisdn as numbers
from rules import rio as rios
from rules.commitment import CONSUMER_MONTHS
from rules.errors import RuleError
from rules.files import cells
from rules.files.cells import Parser
from rules.orders import (
    Agreed,
    Asked,
    AskedTwice,
    Bond,
    CommitmentRefused,
    Contradiction,
    Fault,
    Handset,
    Item,
    Missing,
    NotOnSale,
    NumberTaken,
    Port,
    Promise,
    Reading,
    Shelf,
    SimUnavailable,
    SpeedMissing,
    UnitUnavailable,
    UnknownSim,
    Version,
    Versions,
    in_force,
    reserved,
)  # fmt: skip
from rules.paris import french_date
from rules.states import CustomerKind, OfferKind, OrderItemKind, PurchaseMode, SaleMode, SimState, Terms, UnitState

price = cells.decimal(6)


def read_all(asked: Sequence[Asked], shelf: Shelf) -> list[Reading]:
    """Every item of an order, in its order; what two of them ask for is a fault of the second."""
    readings: list[Reading] = []
    seen: Counter[str] = Counter()
    for rank, one in enumerate(asked):
        made, place = read(one, shelf, f"items[{rank}]"), f"items[{rank}]"
        item, faults = made.item, list(made.faults)
        unique = (("iccid", item.iccid), ("porting.msisdn", item.port.msisdn if item.port else ""),
                  ("device.imei", item.handset.imei if item.handset else ""))  # fmt: skip
        for name, value in unique:
            if value and seen[value]:
                problem = AskedTwice("Une autre ligne de cette commande le demande déjà. Corrigez l'une des deux.")
                faults.append(_fault(f"{place}.{name}", problem))
            seen[value] += 1
        readings.append(Reading(item, tuple(faults), made.warnings))
    return readings


def read(asked: Asked, shelf: Shelf, place: str = "items[0]") -> Reading:
    """One item.

    >>> reading = read({"kind": "LINE", "user_name": "Léa"}, Shelf(date(2026, 11, 24), "BUSINESS"))
    >>> [(fault.field, fault.code) for fault in reading.faults][:2]
    [('items[0].iccid', 'MISSING'), ('items[0].commitment_type', 'MISSING')]
    """
    judge = _Judge(place, asked, shelf)
    item = judge.service() if asked.get("kind") == OrderItemKind.service else judge.line()
    return Reading(item, tuple(judge.faults), tuple(judge.warnings))


def _fault(place: str, problem: RuleError) -> Fault:
    return Fault(place, problem.code, str(problem))


class _Judge:
    def __init__(self, place: str, asked: Asked, shelf: Shelf) -> None:
        self.place, self.asked, self.shelf = place, asked, shelf
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []

    def say(self, name: str, problem: RuleError) -> None:
        self.faults.append(_fault(f"{self.place}.{name}", problem))

    def warn(self, name: str, code: str, message: str) -> None:
        self.warnings.append(Fault(f"{self.place}.{name}", code, message))

    def cell(self, name: str, parse: Parser, needed: str = "", longest: int = 120) -> Any:
        """What a field says; None when it is empty or wrong, which is a fault when it is `needed`: then that is the sentence."""
        values, *_, last = self._within(name)
        text = "" if values.get(last) is None else str(values[last])
        try:
            if not (text := cells.clean(text, longest)):
                if needed:
                    raise Missing(needed)
                return None
            return parse(text)
        except RuleError as problem:
            self.say(name, problem)
            return None

    def _within(self, name: str) -> tuple[Any, ...]:
        """The object that holds a field such as `options[1].code`, and the field's own name."""
        values: Any = self.asked
        *path, last = name.replace("]", "").replace("[", ".").split(".")
        for part in path:
            values = values[int(part)] if part.isdigit() else values.get(part) or {}
        return values, last

    def sold(self, name: str, versions: Versions, word: str, *days: date | None) -> Version | None:
        code = self.cell(name, cells.text, f"Choisissez {word}.")
        if not code:
            return None
        found = in_force(versions.get(code, ()), self.shelf.today, *days)
        if found is None:
            state = "n'est pas encore en vente" if code in versions else "n'est pas au catalogue"
            self.say(name, NotOnSale(f"« {code} » {state}. Choisissez {word} dans la liste."))
        return found

    def line(self) -> Item:
        user_name = self.cell("user_name", cells.text, "Donnez le nom de l'utilisateur.") or ""
        card = self.card()
        bond = self.bond()
        port = self.port()
        starts_on = self.start(port)
        held = self.held(starts_on)
        handset = self.handset(starts_on) if self.asked.get("device") else None
        if handset and handset.sale == SaleMode.subsidised and bond and not bond.months:
            self.warn("device.sale_mode", "NO_COMMITMENT", "Un terminal subventionné sans engagement : rien n'en couvre le prix.")
        terms = self.cell("billing_terms", cells.one_of(Terms), "Dites si l'abonnement se paie à échoir ou à terme échu.")
        table, ports, paid = self.table(), bool(self.asked.get("porting")), Terms(terms or Terms.advance)
        return Item(
            OrderItemKind.line, starts_on, user_name, card, ports, port, bond, handset, held, table, paid,
        )  # fmt: skip

    def card(self) -> str:
        number = self.cell("iccid", cards.validate, "Choisissez une carte SIM libre.")
        if not number:
            return ""
        found = self.shelf.cards.get(number)
        if found is None:
            self.say("iccid", UnknownSim(f"La carte {number} n'est pas dans le stock. Relisez son numéro, ou importez-la."))
        elif found.holder:
            self.say("iccid", reserved(number, found.holder))
        elif found.state != (SimState.reserved if found.ours else SimState.in_stock):
            state = SimState(found.state).label.lower()
            self.say("iccid", SimUnavailable(f"La carte {number} n'est pas libre ({state}). Choisissez-en une en stock."))
        elif not found.ours:
            self.warn("iccid", "SIM_RELEASED", "Sa réservation est tombée et la carte est libre. Enregistrez pour la reprendre.")
        return str(number)

    def bond(self) -> Bond | None:
        code = self.cell("commitment_type", cells.text, "Choisissez l'engagement.")
        bond = self.shelf.bonds.get(code or "")
        if code and bond is None:
            known = ", ".join(self.shelf.bonds)
            self.say("commitment_type", cells.UnknownCode(f"« {code} » n'est pas un engagement. Choisissez parmi : {known}."))
        elif bond and self.shelf.kind == CustomerKind.consumer and bond.months > CONSUMER_MONTHS:
            reason = f"{bond.months} mois : un particulier s'engage pour {CONSUMER_MONTHS} mois au plus (art. L224-28)."
            self.say("commitment_type", CommitmentRefused(reason))
        elif bond and self.shelf.kind not in bond.kinds:
            reason = f"L'engagement « {bond.label} » n'est pas proposé à cette nature de client. Choisissez-en un autre."
            self.say("commitment_type", CommitmentRefused(reason))
        return bond

    def port(self) -> Port | None:
        given = self.asked.get("porting")
        if not given:
            return None
        number = self.cell("porting.msisdn", numbers.validate, "Donnez le numéro à garder.")
        rio = self.cell("porting.rio", lambda text: rios.validate(text, number) if number else text, "Donnez le RIO : 3179.")
        needed = "Choisissez le jour de la portabilité."
        window, today = self.shelf.window, self.shelf.today
        day = self.cell("porting.porting_date", lambda text: window.check(cells.iso_date(text), today), needed)
        slot = self.cell("porting.time_slot", cells.text, longest=40) or ""
        if number and number in self.shelf.numbers:
            self.say("porting.msisdn", NumberTaken(self.shelf.numbers[number]))
        if rio and (told := rios.warning(rio, self.shelf.kind)):
            self.warn("porting.rio", "OTHER_HOLDER", told)
        if not (number and rio and day):
            return None
        return Port(number, rio, day, slot, bool(given.get("asked_by_customer")), given.get("withdrawal_waived"))

    def start(self, port: Port | None) -> date | None:
        """The first day, as far as it can be told before the network tells it."""
        wished = self.cell("activated_on", cells.iso_date)
        if self.asked.get("porting"):
            if wished and port and wished != port.day:
                reason = f"La ligne commence avec la portabilité, le {french_date(port.day)}. Videz cette date."
                self.say("activated_on", Contradiction(reason))
            return port.day if port else None
        if wished and wished < self.shelf.today:
            reason = f"Le {french_date(wished)} est passé. Choisissez aujourd'hui ou plus tard."
            self.say("activated_on", cells.OutOfRange(reason))
            return None
        return wished or self.shelf.today

    def held(self, starts_on: date | None) -> tuple[Agreed, ...]:
        offer = self.sold("offer", self.shelf.offers, "un abonnement", starts_on)
        agreed_price = self.cell("monthly_price", price)
        found: list[Agreed] = []
        codes: set[str] = set()
        promised = self.promises(str(self.asked.get("offer", "")))
        if offer:
            own = offer.price if agreed_price is None else agreed_price
            found.append(Agreed(OfferKind.offer, offer, own, "", promised.get("", ())))
        for rank, _ in enumerate(self.asked.get("options", ())):
            name = f"options[{rank}]"
            option = self.sold(f"{name}.code", self.shelf.options, "une option", starts_on)
            own_price = self.cell(f"{name}.monthly_price", price)
            speed = self.cell(f"{name}.data_speed", cells.text, longest=60) or ""
            if option is None:
                continue
            if option.code in codes:
                self.say(f"{name}.code", AskedTwice("Cette option est demandée deux fois. Retirez-en une."))
            if option.data and not speed:
                self.say(f"{name}.data_speed", SpeedMissing(f"« {option.label} » contient de l'internet : donnez le débit."))
            codes.add(option.code)
            own = option.price if own_price is None else own_price
            found.append(Agreed(OfferKind.option, option, own, speed, promised.get(option.code, ())))
        return tuple(found)

    def promises(self, offer: str) -> dict[str, tuple[Promise, ...]]:
        """The discounts by what they are on: an option's code, or nothing for the offer."""
        options = {one.get("code") for one in self.asked.get("options", ())}
        found: dict[str, tuple[Promise, ...]] = {}
        for rank, given in enumerate(self.asked.get("discounts", ())):
            name = f"discounts[{rank}]"
            on = str(given.get("on") or "")
            on = "" if on in ("", "OFFER", offer) else on
            if on and on not in options:
                self.say(f"{name}.on", cells.UnknownCode(f"« {on} » n'est ni l'abonnement ni une option de cette ligne."))
            percent = self.cell(f"{name}.percent", cells.decimal(2, Decimal(100)))
            amount = self.cell(f"{name}.amount", price)
            until = self.cell(f"{name}.until", cells.iso_date)
            months = self.cell(f"{name}.months", cells.integer(1, 120))
            if bool(given.get("percent")) == bool(given.get("amount")):
                self.say(f"{name}.percent", Contradiction("Une remise est en pour cent ou en euros : donnez l'un des deux."))
            if given.get("until") and given.get("months"):
                reason = "Une remise dure jusqu'à un jour ou tant de mois : gardez l'un des deux."
                self.say(f"{name}.until", Contradiction(reason))
            if percent is not None or amount is not None:
                found[on] = (*found.get(on, ()), Promise(percent, amount, until, months))
        return found

    def table(self) -> int | None:
        """The rate table; the only one there is when none is named."""
        tables = self.shelf.tables
        needed = "" if len(tables) == 1 else "Choisissez la grille tarifaire : il y en a plusieurs."
        code = self.cell("rate_table", cells.text, needed)
        if code and code not in tables:
            known = ", ".join(tables)
            self.say("rate_table", cells.UnknownCode(f"La grille « {code} » n'existe pas. Choisissez parmi : {known}."))
        return tables.get(code) if code else next(iter(tables.values()), None)

    def handset(self, starts_on: date | None) -> Handset | None:
        sale = self.cell("device.sale_mode", cells.one_of(SaleMode), "Dites comment le terminal est cédé.")
        own = sale == SaleMode.own
        version = None if own else self.sold("device.product", self.shelf.devices, "un terminal", starts_on)
        imei = self.cell("device.imei", imeis.validate) or ""
        bought = sale in (SaleMode.sold, SaleMode.subsidised)
        needed = "Dites si le terminal se paie en une fois ou en mensualités." if bought else ""
        purchase = self.cell("device.purchase_mode", cells.one_of(PurchaseMode), needed) or PurchaseMode.one_off
        parts = bought and purchase == PurchaseMode.instalments
        how_many = "Donnez le nombre de mensualités." if parts else ""
        instalments = self.cell("device.instalments", cells.integer(2, 60), how_many) or 0
        own_price = self.cell("device.unit_price", price)
        unit = self.unit(imei, version) if version and imei else None
        if not sale or not (own or version):
            return None
        catalogue = version.price if version else Decimal(0)
        agreed = catalogue if own_price is None else own_price
        return Handset(
            SaleMode(sale), PurchaseMode(purchase), agreed, version, unit, imei, instalments if parts else 0
        )  # fmt: skip

    def unit(self, imei: str, version: Version) -> int | None:
        unit = self.shelf.units.get(imei)
        if unit is None:
            self.warn("device.imei", "UNKNOWN_UNIT", "Cet IMEI n'est pas dans le stock : rien n'en sortira.")
            return None
        if unit.code != version.code:
            reason = f"Cet IMEI est celui d'un terminal {unit.code}. Choisissez ce terminal, ou corrigez l'IMEI."
            self.say("device.imei", UnitUnavailable(reason))
        elif unit.state != UnitState.in_stock:
            reason = f"Ce terminal n'est plus en stock ({UnitState(unit.state).label.lower()}). Prenez-en un autre."
            self.say("device.imei", UnitUnavailable(reason))
        return unit.id

    def service(self) -> Item:
        starts_on = self.cell("starts_on", cells.iso_date, "Donnez la date de début.")
        version = self.sold("product", self.shelf.products, "un service", starts_on)
        quantity = self.cell("quantity", cells.integer(1, 100_000), "Donnez la quantité.") or 1
        own_price = self.cell("unit_price", price)
        ends_on = self.cell("ends_on", cells.iso_date)
        if ends_on and version and not version.recurring:
            self.say("ends_on", Contradiction("Ce service est facturé une fois : il n'a pas de date de fin. Videz la case."))
        elif ends_on and starts_on and ends_on < starts_on:
            self.say("ends_on", Contradiction("La fin précède le début. Corrigez l'une des deux dates."))
        agreed = own_price if own_price is not None or version is None else version.price
        return Item(
            OrderItemKind.service, starts_on, service=version, quantity=quantity, price=agreed or Decimal(0), ends_on=ends_on
        )
