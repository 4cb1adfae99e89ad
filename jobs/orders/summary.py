"""The summary of an order on paper: made when it is submitted, kept, sent with the confirmation."""

import hashlib
from datetime import date

from gateways import logos
from gateways.files import publish_bytes
from gateways.press import PRESS
from gateways.settings import SETTINGS
from jobs import face, reseller
from jobs.billing.draft import seller
from jobs.invoice_template import current as template
from jobs.mails import Attachment
from jobs.orders.cards import written
from jobs.orders.case import Case, Row
from rules import order_words
from rules.order_bill import first_bill, told
from rules.orders import Item
from rules.states import OfferKind


def document(case: Case, day: date) -> Row:
    """What the paper says."""
    customer = case.customer
    items: list[Row] = []
    for reading in case.readings:
        item = reading.item
        facts = [list(fact) for fact in order_words.facts(item)]
        lines = told(first_bill(item, customer["discount_percent"]))
        items.append({"title": order_words.title(item), "kind": item.kind.label, "facts": facts, "lines": lines})
    return {
        "number": case.order["number"],
        "issued_on": day.isoformat(),
        "salesperson": case.order["salesperson"],
        "buyer": {
            "name": customer["company_name"],
            "customer_number": customer["customer_number"],
            "contact": customer["billing_contact_name"],
            "address": [
                line
                for line in (customer["street"], customer["street2"], f"{customer['postcode']} {customer['city']}".strip())
                if line
            ],
            "purchase_order": customer["purchase_order"],
        },
        "items": items,
        "total_cents": sum(line["amount_cents"] for item in items for line in item["lines"]),
    }


async def publish(case: Case, day: date) -> Attachment:
    """Draw the paper and keep it under the hash of its bytes."""
    row = (await reseller.current()).to_dict()
    sold_by = seller(row, await face.branding())
    whole = document(case, day) | {"seller": sold_by, "texts": {"footer": (await template())["footer"]}}
    made = await PRESS.ask("order", whole, logos.kept(str(sold_by["logo"])))
    digest = hashlib.sha256(made.pdf).hexdigest()
    name = f"{case.order['number']}.pdf"
    path = f"documents/orders/{case.order['number']}-{digest[:12]}.pdf"
    publish_bytes(SETTINGS.data_dir / path, made.pdf)
    return Attachment(name, path, digest)


def agreed(asked: Row, item: Item) -> str:
    """An item with the prices that count from now on, the catalogue's where none was agreed, as its column keeps it."""
    prices = {held.version.code: held.price for held in item.held if held.kind == OfferKind.option}
    offer = [f"{held.price.normalize():f}" for held in item.held if held.kind == OfferKind.offer]
    final = asked | ({"monthly_price": offer[0]} if offer else {"unit_price": f"{item.price.normalize():f}"})
    if "options" in asked:
        final["options"] = [one | {"monthly_price": f"{prices[one['code']].normalize():f}"} for one in asked["options"]]
    if item.handset and item.handset.version:
        final["device"] = asked["device"] | {"unit_price": f"{item.handset.price.normalize():f}"}
    return written(final)
