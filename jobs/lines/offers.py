"""A change of offer: the items that end on its eve, those that begin on its day, and what it does to the next bill."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from jobs.imports.books import Versions, offer_versions, version_on
from jobs.lines.held import Held, Row
from rules.commitment import CONSUMER_MONTHS, add_months
from rules.errors import RuleError
from rules.files.cells import UnknownCode, decimal, iso_date
from rules.moves import IllegalState
from rules.states import CustomerKind, International, OfferKind, Terms
from tables.catalogue import CommitmentType, RateTable

DAY = timedelta(days=1)
price = decimal(6)
percent = decimal(2, Decimal(100))


class NoOffer(RuleError):
    """A change of offer that names none, or an option twice."""


class BadDiscount(RuleError):
    """A discount that says neither how much nor on what."""


class NotForThisCustomer(RuleError):
    """A commitment that this kind of customer cannot take."""


class ProfileNotAllowed(RuleError):
    """What the offer of a line does not let it do abroad."""


@dataclass(frozen=True)
class Catalogue:
    """What a change of offer may refer to, by code."""

    offers: Versions = field(default_factory=dict)
    rate_tables: dict[str, Row] = field(default_factory=dict)
    commitments: dict[str, Row] = field(default_factory=dict)


async def catalogue() -> Catalogue:
    tables, commitments = await RateTable.select(), await CommitmentType.select()
    return Catalogue(await offer_versions(), {row["code"]: row for row in tables}, {row["code"]: row for row in commitments})


def read(asked: Mapping[str, Any]) -> Row:
    """What is asked, as JSON keeps it. Raises RuleError where a code, a price, a date cannot be meant."""
    if not asked.get("offer"):
        raise NoOffer("Choisissez l'abonnement.")
    options = asked.get("options")
    if options is not None:
        options = [_named(option) for option in options]
        if len({option["code"] for option in options}) < len(options):
            raise NoOffer("Une option est donnée deux fois. Gardez-la une fois.")
    found = {"offer": str(asked["offer"]), "options": options} | _priced(asked)
    found["discounts"] = [_discount(discount) for discount in asked.get("discounts") or []]
    return found | {name: str(asked[name]) for name in ("rate_table", "commitment_type") if asked.get(name)}


def _named(option: Any) -> Row:
    if isinstance(option, Mapping):
        return {"code": str(option.get("code", ""))} | _priced(option)
    return {"code": str(option)}


def _priced(asked: Mapping[str, Any]) -> Row:
    given = asked.get("monthly_price")
    return {} if given in (None, "") else {"monthly_price": format(price(str(given).strip()), "f")}


def _discount(asked: Mapping[str, Any]) -> Row:
    found: Row = {name: format(law(str(asked[name])), "f") for name, law in LAWS.items() if asked.get(name) not in (None, "")}
    if len(found) != 1 or not asked.get("on"):
        raise BadDiscount("Une remise porte sur un abonnement ou une option (on), en pour cent ou en euros (percent ou amount).")
    if asked.get("until"):
        found["until"] = iso_date(str(asked["until"])).isoformat()
    if asked.get("months"):
        found["months"] = int(decimal(0, Decimal(120))(str(asked["months"])))
    return found | {"on": str(asked["on"])}


LAWS = {"percent": percent, "amount": price}


@dataclass
class Change:
    """`ended`: the items that end; `begun`: those that begin, with their discounts; `holds`: every item from that day on."""

    ended: list[Row]
    begun: list[Row]
    holds: list[Row]

    @property
    def words(self) -> str:
        return words(self.holds)


def words(items: list[Row]) -> str:
    return " + ".join(item["offer.label"] for item in items)


def change(held: Held, asked: Row, day: date, books: Catalogue) -> Change:
    """The items of the line from that day on; what stays as it is does not end. Raises RuleError."""
    now = held.on(day)
    current = {(item["kind"], item["offer.code"]): item for item in now}
    kept_options = [{"code": code} for kind, code in current if kind == OfferKind.option]
    options = kept_options if asked["options"] is None else asked["options"]
    main = {"code": asked["offer"]} | {name: asked[name] for name in ("monthly_price",) if name in asked}
    wanted = [(OfferKind.offer.value, main), *((OfferKind.option.value, option) for option in options)]
    if astray := {discount["on"] for discount in asked["discounts"]} - {one["code"] for _, one in wanted}:
        raise BadDiscount(f"Remise sur « {min(astray)} » : ni l'abonnement ni une option de la demande. Corrigez le code.")
    rank = max((item["position"] for item in held.items), default=-1) + 1
    terms = held.offer(day).get("terms", Terms.advance)
    holds: list[Row] = []
    begun: list[Row] = []
    for kind, one in wanted:
        was = current.get((kind, one["code"]))
        discounts = [discount for discount in asked["discounts"] if discount["on"] == one["code"]]
        if was and "monthly_price" not in one and not discounts:
            holds.append(was)
            continue
        item = _item(kind, one, was, day, books) | {"position": rank + len(begun), "terms": terms, "starts_on": day}
        item["discounts"] = [_dated(discount, day) for discount in discounts]
        begun.append(item)
        holds.append(item)
    kept = {item["id"] for item in holds if "id" in item}
    return Change([item for item in now if item["id"] not in kept], begun, holds)


def _item(kind: str, one: Row, was: Row | None, day: date, books: Catalogue) -> Row:
    """One that begins. What the line already had at another price bears no second fee: the item before has paid it."""
    version = version_on(books.offers, kind, one["code"], day)
    if version is None:
        word = "L'abonnement" if kind == OfferKind.offer else "L'option"
        why = "n'est pas encore en vente ce jour-là" if (kind, one["code"]) in books.offers else "n'est pas au catalogue"
        raise UnknownCode(f"{word} « {one['code'][:40]} » {why}. Corrigez le code, ou la date.")
    monthly = Decimal(one["monthly_price"]) if "monthly_price" in one else (was or version)["monthly_price"]
    if was and "monthly_price" not in one:
        version = {name: was[f"offer.{name}"] for name in ("label", "vat_rate", "international", "activation_fee")} | {
            "id": was["offer"]
        }
    return {
        "kind": kind,
        "offer": version["id"],
        "monthly_price": monthly,
        "ends_on": was["ends_on"] if was else None,
        "billed_until": None,
        "taken_over_until": day - DAY if was else None,
        "offer.code": one["code"],
    } | {f"offer.{name}": version[name] for name in ("label", "vat_rate", "international", "activation_fee")}


def _dated(discount: Row, day: date) -> Row:
    until = date.fromisoformat(discount["until"]) if "until" in discount else None
    if "months" in discount:
        until = add_months(day, discount["months"]) - DAY
    amounts = {name: Decimal(discount[name]) if name in discount else None for name in LAWS}
    return amounts | {"until": until}


def contract(held: Held, asked: Row, day: date, books: Catalogue) -> Row:
    """The columns of the line that change with its offer: rate table, commitment. Raises RuleError."""
    found: Row = {}
    if code := asked.get("rate_table"):
        if code not in books.rate_tables:
            raise UnknownCode(f"La grille « {code[:40]} » n'existe pas. Corrigez le code.")
        found["rate_table"] = books.rate_tables[code]["id"]
    if code := asked.get("commitment_type"):
        kind = books.commitments.get(code)
        if kind is None:
            raise UnknownCode(f"L'engagement « {code[:40]} » n'existe pas. Corrigez le code.")
        consumer = held.row["customer.kind"] == CustomerKind.consumer
        if held.row["customer.kind"] not in kind["customer_kinds"].split("+") or (consumer and kind["months"] > CONSUMER_MONTHS):
            raise NotForThisCustomer(
                f"« {kind['label']} » n'est pas permis à ce client. Un particulier s'engage 24 mois au plus."
            )
        found |= {"commitment_type": kind["id"], "commitment_start": day}
    return {name: value for name, value in found.items() if value != held.row[name]}


def check_profile(profile: str, items: list[Row], held: Held) -> None:
    """Raises ProfileNotAllowed when the line may not go round the world with these items."""
    if profile == International.world and not any(item["offer.international"] for item in items):
        raise ProfileNotAllowed(
            f"« {words(items) or held.row['msisdn']} » ne permet pas le profil « {International.world.label} ». "
            "Choisissez-en un autre, ou un abonnement qui le permet."
        )


def nothing_changes() -> IllegalState:
    return IllegalState("C'est déjà l'abonnement de cette ligne, avec ces options : rien à changer.")
