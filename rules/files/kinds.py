"""The six reference files (formats): their columns, and what the cells of a row must agree on."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from rules import allowances, iccid, msisdn
from rules.errors import RuleError
from rules.files import cells
from rules.files.rows import NEVER, Column, Kind, Values
from rules.states import CallType, CustomerKind, Direction, MandateType, OfferKind, PaymentMethod, SimKind, Terms, VatRegime
from rules.wholesaler_form import wholesaler_form

Problems = Iterator[tuple[str, RuleError]]

SECRETS = ("pin1", "puk1", "pin2", "puk2", "activation_code")
ADDRESS = ("street", "street2", "postcode", "city", "country")


class Contradiction(RuleError):
    """Two cells of a row that do not go together."""


class NotAsked(RuleError):
    """Whole numbers that no holder asked for, or not yet."""


class MandateMissing(RuleError):
    """A direct debit without all that a mandate needs."""


class NoWholesalerForm(RuleError):
    """A name of which nothing is left in the form that the wholesaler's network takes."""


code = cells.matching(r"[^+|\s]{1,32}", "un code de 32 signes au plus, sans espace, + ni |")
category = cells.matching(r"[A-Z0-9_]{1,32}", "des majuscules, des chiffres ou _, 32 au plus")
zone = cells.matching(r"[A-Z0-9_-]{1,16}", "HOME, ou un code de zone en majuscules, 16 signes au plus")
country = cells.matching(r"[A-Z]{2}", "le code du pays en deux majuscules, par exemple FR")
prefix = cells.matching(r"[0-9]{1,15}|=[0-9]{1,6}|\*", "des chiffres sans + (33), = et un numéro court (=3900), ou *")
pin = cells.matching(r"[0-9]{4,8}", "quatre à huit chiffres", secret=True)
activation = cells.matching(
    r"LPA:1\$[^$\s]+\$[^\s]*", "un code qui commence par LPA:1$, puis le serveur, $ et l'identifiant", secret=True
)
mandate_reference = cells.matching(r"[A-Za-z0-9+?/:().,' -]{1,35}", "35 signes au plus, sans accent")
customer_number = cells.matching("[A-Za-z0-9_-]{1,32}", "des lettres sans accent, des chiffres, - ou _, 32 au plus")
einvoice = cells.matching(r"[0-9]{4}:[A-Za-z0-9_.+-]{1,120}|EM:\S+@\S+", "0225: et le SIREN, ou EM: et une adresse e-mail")


def _offer(values: Values) -> Problems:
    if not values["data_speed"] and any(bucket.type == CallType.data for bucket in allowances.parse(values["allowances"])):
        yield "data_speed", Contradiction("Un forfait DATA demande un débit. Écrivez par exemple 4G 100 Mbit/s.")


def _rate(values: Values) -> Problems:
    voice = values["type"] == CallType.voice
    if (values["type"] == CallType.data) == bool(values["prefix"]):
        yield (
            "prefix",
            Contradiction("Le préfixe est vide pour DATA, et pour DATA seulement. Le reste d'un type s'écrit *."),
        )
    if values["offpeak_unit_price"] is not None and not voice:
        yield "offpeak_unit_price", Contradiction("Le prix en heures creuses n'existe que pour VOICE. Videz la case.")
    values["first_increment"] = values["first_increment"] if values["first_increment"] is not None else (60 if voice else 1)


def _sim(values: Values) -> Problems:
    if values["activation_code"] and values["kind"] != SimKind.esim:
        yield (
            "activation_code",
            Contradiction("Seule une eSIM a un code d'activation. Videz la case, ou écrivez ESIM."),
        )


def _customer(values: Values) -> Problems:
    siren = values["siren"]
    if siren and values["siret"] and not values["siret"].startswith(siren):
        yield "siret", Contradiction(f"Le SIRET ne commence pas par le SIREN {siren}. L'un des deux est mal copié.")
    vat = values["vat_number"]
    if siren and vat.startswith("FR") and vat[4:7] != "000" and vat[4:] != siren:  # 000: Monaco has no SIREN
        yield "vat_number", Contradiction(f"Le numéro de TVA ne finit pas par le SIREN {siren}. L'un des deux est mal copié.")
    for kind in ("delivery_", "billing_"):
        street, street2, postcode, city, _ = (values[kind + name] for name in ADDRESS)
        if street or street2 or postcode or city:
            values[kind + "country"] = values[kind + "country"] or "FR"
            for name in ("street", "postcode", "city"):
                if not values[kind + name]:
                    yield kind + name, Contradiction("L'adresse est incomplète : rue, code postal et ville vont ensemble.")
    if values["payment_method"] == PaymentMethod.direct_debit:
        for name in ("iban", "mandate_reference", "mandate_date", "mandate_type"):
            if not values[name]:
                yield (
                    name,
                    MandateMissing("Un prélèvement demande un IBAN et un mandat signé. Remplissez la case."),
                )
    values["login"] = values["login"] or values["customer_number"]
    values["einvoice_address"] = values["einvoice_address"] or default_einvoice_address(values)


def default_einvoice_address(values: Values) -> str:
    if values["kind"] == CustomerKind.consumer:
        first = values["billing_email"].partition(",")[0]
        return f"EM:{first}" if first else ""
    return f"0225:{values['siren']}" if values["siren"] else ""


def _line(values: Values) -> Problems:
    if values["terminated_on"] and values["terminated_on"] < values["activated_on"]:
        yield "terminated_on", Contradiction("La résiliation précède l'activation. Corrigez l'une des deux dates.")
    if values["commitment_months"] and not values["commitment_start"]:
        yield "commitment_start", Contradiction("Un engagement demande sa date de début. Remplissez la case.")
    values["discount_percent"] = values["discount_percent"] or None


OFFERS = Kind(
    "offers",
    (
        Column("kind", cells.one_of(OfferKind)),
        Column("code", code),
        Column("label", cells.text),
        Column("monthly_price", cells.decimal(4)),
        Column("activation_fee", cells.decimal(4)),
        Column("vat_rate", cells.decimal(2, Decimal(100))),
        Column("allowances", cells.allowances, "", longest=2000, required=True),
        Column("data_speed", cells.text, "", longest=60),
        Column("international", cells.yes_no),
        Column("valid_from", cells.iso_date),
    ),
    ("code", "kind", "valid_from"),
    _offer,
)

RATES = Kind(
    "rates",
    (
        Column("origin", zone),
        Column("type", cells.one_of(CallType)),
        Column("direction", cells.one_of(Direction), "OUT"),
        Column("prefix", prefix, "", required=True),
        Column("destination", cells.text),
        Column("category", category),
        Column("unit_price", cells.decimal(6)),
        Column("offpeak_unit_price", cells.decimal(6), None),
        Column("setup_fee", cells.decimal(6), Decimal(0)),
        Column("first_increment", cells.integer(0), None),
        Column("next_increment", cells.integer(1), 1),
        Column("service_per_call", cells.decimal(6), Decimal(0)),
        Column("service_per_minute", cells.decimal(6), Decimal(0)),
    ),
    ("prefix", "origin", "type", "direction"),
    _rate,
    whole=True,
)

ROAMING_ZONES = Kind("roaming_zones", (Column("zone", zone), Column("mcc", cells.mccs, longest=4000)), ("zone",), whole=True)

SIMS = Kind(
    "sims",
    (
        Column("iccid", iccid.validate),
        Column("imsi", cells.matching("[0-9]{15}", "quinze chiffres")),
        *(Column(name, pin, "", secret=True) for name in SECRETS[:4]),
        Column("kind", cells.one_of(SimKind)),
        Column("activation_code", activation, "", longest=255, secret=True),
        Column("batch", cells.text, "", longest=60),
        Column("msisdn", msisdn.line_number, ""),
    ),
    ("iccid",),
    _sim,
)


def _address(kind: str = "", empty: str = "") -> Iterator[Column]:
    needed = "" if kind else NEVER
    yield Column(kind + "street", cells.text, needed)
    yield Column(kind + "street2", cells.text, "")
    yield Column(kind + "postcode", cells.text, needed, longest=10)
    yield Column(kind + "city", cells.text, needed, longest=60)
    yield Column(kind + "country", country, empty)


CUSTOMERS = Kind(
    "customers",
    (
        Column("customer_number", customer_number),
        Column("company_name", cells.name, longest=200),
        Column("kind", cells.one_of(CustomerKind), "BUSINESS"),
        Column("siren", cells.siren, ""),
        Column("siret", cells.siret, ""),
        Column("vat_number", cells.vat_number, ""),
        *_address(empty="FR"),
        *_address("delivery_"),
        *_address("billing_"),
        Column("billing_contact_name", cells.text, ""),
        Column("billing_email", cells.emails, "", longest=500),
        Column("site_contact_name", cells.text, ""),
        Column("site_email", cells.email, None),
        Column("login", cells.text, "", longest=64),
        Column("payment_method", cells.one_of(PaymentMethod)),
        Column("iban", cells.iban, ""),
        Column("bic", cells.bic, ""),
        Column("mandate_reference", mandate_reference, ""),
        Column("mandate_date", cells.iso_date, None),
        Column("mandate_type", cells.one_of(MandateType), None),
        Column("vat_regime", cells.one_of(VatRegime), ""),
        Column("einvoice_address", einvoice, "", longest=125),
        Column("phone", cells.text, "", longest=30),
        Column("purchase_order", cells.text, "", longest=60),
        Column("payment_days", cells.integer(0, 365), None),
        Column("detailed_bill", cells.yes_no, True),
        Column("hide_digits", cells.yes_no, True),
        Column("group_lines", cells.yes_no, False),
    ),
    ("customer_number",),
    _customer,
)


def _by_hand(cell: str) -> str:
    """The form that a person gives."""
    if form := wholesaler_form(cell):
        return form
    raise NoWholesalerForm(f"« {cell} » n'a ni lettre latine ni chiffre. Écrivez le nom en capitales sans accent.")


def _sheet(values: Values) -> Problems:
    yield from _customer(values)
    if not values["wholesaler_name"] and not wholesaler_form(values["company_name"]):
        sentence = "Rien de la raison sociale ne passe chez l'opérateur. Écrivez ici le nom à lui donner, en lettres latines."
        yield "wholesaler_name", NoWholesalerForm(sentence)
    if values["hide_digits"]:
        values["digits_shown_on"] = None
    elif not values["digits_shown_on"]:
        sentence = "Les numéros appelés ne se montrent en entier qu'à la demande du titulaire. Donnez le jour de sa demande."
        yield "digits_shown_on", NotAsked(sentence)


CUSTOMER_SHEET = replace(
    CUSTOMERS,
    columns=(
        *CUSTOMERS.columns,
        Column("wholesaler_name", _by_hand, ""),
        Column("send_credentials", cells.yes_no, False),
        Column("digits_shown_on", cells.iso_date, None),
        Column("end_of_month", cells.yes_no, None),
        Column("discount_percent", cells.decimal(2, Decimal(100)), Decimal(0)),
        Column("notes", cells.text, "", longest=2000, lines=60),
    ),
    settle=_sheet,
)
"""A customer as its page has it: all that the file has, and the rest."""

LINES = Kind(
    "lines",
    (
        Column("msisdn", msisdn.line_number),
        Column("customer_number", cells.text, longest=32),
        Column("iccid", iccid.validate),
        Column("user_name", cells.name, ""),
        Column("offer", code),
        Column("options", cells.codes, "", longest=700, required=True),
        Column("rate_table", code),
        Column("activated_on", cells.iso_date),
        Column("terminated_on", cells.iso_date, None),
        Column("commitment_months", cells.months),
        Column("commitment_start", cells.iso_date, None),
        Column("billing_terms", cells.one_of(Terms)),
        Column("discount_percent", cells.decimal(2, Decimal(100)), None),
        Column("billed_until", cells.iso_date, None),
        Column("billed_by_number", cells.text, "", longest=35),
        Column("billed_by_date", cells.iso_date, None),
    ),
    ("msisdn", "activated_on"),
    _line,
)

KINDS = {kind.name: kind for kind in (OFFERS, RATES, ROAMING_ZONES, SIMS, CUSTOMERS, LINES)}
