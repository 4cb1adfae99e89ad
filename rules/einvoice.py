"""The invoice as machines read it: a frozen document as Cross Industry Invoice XML, profile EN 16931 of Factur-X, French rules.

Sources: EN 16931-1; Factur-X 1.09; XP Z12-012 (BR-FR rules). Amounts are cents, told in euros with two decimals.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

from rules.paris import Month
from rules.states import CustomerKind, InvoiceKind, PaymentMethod, VatRegime

PROFILE = "urn:cen.eu:en16931:2017"
UNECE = "urn:un:unece:uncefact:"
NAMESPACES = {
    "rsm": f"{UNECE}data:standard:CrossIndustryInvoice:100",
    "ram": f"{UNECE}data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{UNECE}data:standard:UnqualifiedDataType:100",
    "qdt": f"{UNECE}data:standard:QualifiedDataType:100",
}
TYPES = {InvoiceKind.invoice: "380", InvoiceKind.credit_note: "381"}
MEANS = {PaymentMethod.transfer: "30", PaymentMethod.direct_debit: "59", PaymentMethod.card: "48", PaymentMethod.cheque: "20"}
"""UNTDID 4461."""
CATEGORIES = {VatRegime.exempt_294: "E", VatRegime.reverse_charge: "AE", VatRegime.export: "G"}
"""UNTDID 5305 of the regimes without VAT; else S, or Z at a rate of zero."""
REASONS = {"AE": "VATEX-EU-AE", "G": "VATEX-EU-G"}
ON_DEBITS, ON_PAYMENT = "5", "72"  # UNTDID 2475: when the VAT falls due
DISCOUNT = "95"  # UNTDID 5189
PIECE = "C62"
NO_MATTER = "Sans objet"
RECOVERY_FEE = "Indemnité forfaitaire pour frais de recouvrement en cas de retard de paiement : 40 €."
UNPRINTABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

for _prefix, _address in NAMESPACES.items():
    ElementTree.register_namespace(_prefix, _address)

Document = dict[str, Any]
Node = ElementTree.Element


def xml(document: Document) -> bytes:
    """The XML of a document that has a number, an issue date and a due date."""
    credit = document["kind"] == InvoiceKind.credit_note
    lines = [line | {"amount_cents": -line["amount_cents"]} if credit else line for line in document["lines"]]
    root = _node(
        "rsm:CrossIndustryInvoice",
        _node(
            "rsm:ExchangedDocumentContext",
            _node("BusinessProcessSpecifiedDocumentContextParameter", _node("ID", mode(document))),
            _node("GuidelineSpecifiedDocumentContextParameter", _node("ID", PROFILE)),
        ),
        _node(
            "rsm:ExchangedDocument",
            _node("ID", document["number"]),
            _node("TypeCode", TYPES[InvoiceKind(document["kind"])]),
            _day("IssueDateTime", document["issued_on"]),
            *(_node("IncludedNote", _node("Content", text), _node("SubjectCode", code)) for code, text in _notes(document)),
        ),
        _node(
            "rsm:SupplyChainTradeTransaction",
            *(_line(rank, line, document) for rank, line in enumerate(_kept(lines), 1)),
            _agreement(document),
            _node(
                "ApplicableHeaderTradeDelivery",
                _node("ActualDeliverySupplyChainEvent", _day("OccurrenceDateTime", _last_day(document))),
            ),
            _settlement(document, lines, -1 if credit else 1),
        ),
    )
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def mode(document: Document) -> str:
    """BT-23: S1 services, B1 goods, M1 both.

    >>> mode({"lines": [{}, {"nature": "goods"}]}), mode({"lines": [{}]})
    ('M1', 'S1')
    """
    natures = {line.get("nature", "services") for line in document["lines"]}
    return "M1" if len(natures) > 1 else "B1" if natures == {"goods"} else "S1"


def _notes(document: Document) -> Iterator[tuple[str, str]]:
    """BG-1: who buys (BAR), and what the law asks for between firms (Code de commerce, L441-9 and L441-10)."""
    buyer, texts = document["buyer"], document["texts"]
    business = buyer["kind"] == CustomerKind.business
    yield "BAR", ("B2B" if business else "B2C") + ("" if buyer["place"]["country"] in ("", "FR") else "INT")
    yield "PMT", RECOVERY_FEE if business else NO_MATTER
    yield "PMD", texts["late_payment"] if business else NO_MATTER
    yield "AAB", texts["early_payment"] if business else NO_MATTER


def _kept(lines: Iterable[Document]) -> list[Document]:
    """Lines of the invoice; a negative one is an allowance of the document: a price is never negative (BR-27)."""
    return [line for line in lines if line["amount_cents"] >= 0]


def _line(rank: int, line: Document, document: Document) -> Node:
    quantity, price = _priced(line)
    about = " ".join(part for part in (line.get("msisdn"), line.get("user_name")) if part)
    return _node(
        "IncludedSupplyChainTradeLineItem",
        _node("AssociatedDocumentLineDocument", _node("LineID", str(rank))),
        _node("SpecifiedTradeProduct", _node("Name", line["label"]), about and _node("Description", about)),
        _node("SpecifiedLineTradeAgreement", _node("NetPriceProductTradePrice", _node("ChargeAmount", price))),
        _node("SpecifiedLineTradeDelivery", _node("BilledQuantity", quantity, unitCode=PIECE)),
        _node(
            "SpecifiedLineTradeSettlement",
            _tax(document, line["vat_rate"]),
            line.get("first") and line.get("last") and _period(line["first"], line["last"]),
            _node("SpecifiedTradeSettlementLineMonetarySummation", _node("LineTotalAmount", _euros(line["amount_cents"]))),
        ),
    )


def _priced(line: Document) -> tuple[str, str]:
    """Quantity and unit price when their product is the amount; else one piece at the amount."""
    unit, quantity = line.get("unit_micro"), line.get("quantity") or 1
    if unit and unit * quantity == line["amount_cents"] * 10_000:
        return str(quantity), f"{Decimal(unit) / 1_000_000:.6f}".rstrip("0").rstrip(".")
    return "1", _euros(line["amount_cents"])


def _agreement(document: Document) -> Node:
    seller, buyer = document["seller"], document["buyer"]
    order = buyer["purchase_order"]
    return _node(
        "ApplicableHeaderTradeAgreement",
        _party("SellerTradeParty", seller, seller),
        _party("BuyerTradeParty", buyer, buyer["place"]),
        order and _node("BuyerOrderReferencedDocument", _node("IssuerAssignedID", order)),
    )


def _party(tag: str, party: Document, place: Document) -> Node:
    scheme, _, address = (party["einvoice_address"] or "").rpartition(":")
    return _node(
        tag,
        party["siret"] and _node("GlobalID", party["siret"], schemeID="0009"),
        _node("Name", party["name"]),
        party["siren"] and _node("SpecifiedLegalOrganization", _node("ID", party["siren"], schemeID="0002")),
        _node(
            "PostalTradeAddress",
            *(
                place.get(name) and _node(tag, place[name])
                for tag, name in (
                    ("PostcodeCode", "postcode"),
                    ("LineOne", "street"),
                    ("LineTwo", "street2"),
                    ("CityName", "city"),
                )
            ),
            _node("CountryID", place["country"] or "FR"),
        ),
        address and _node("URIUniversalCommunication", _node("URIID", address, schemeID=scheme or "0225")),
        party["vat_number"] and _node("SpecifiedTaxRegistration", _node("ID", party["vat_number"], schemeID="VA")),
    )


def _settlement(document: Document, lines: list[Document], sign: int) -> Node:
    payment, seller, month = document["payment"], document["seller"], Month.parse(document["month"])
    debited = payment["method"] == PaymentMethod.direct_debit
    reduced = [line for line in lines if line["amount_cents"] < 0]
    corrects = document["corrects"]
    return _node(
        "ApplicableHeaderTradeSettlement",
        debited and seller["ics"] and _node("CreditorReferenceID", seller["ics"]),
        _node("PaymentReference", document["number"]),
        _node("InvoiceCurrencyCode", "EUR"),
        _node(
            "SpecifiedTradeSettlementPaymentMeans",
            _node("TypeCode", MEANS[PaymentMethod(payment["method"])]),
            payment["method"] == PaymentMethod.transfer
            and _node("PayeePartyCreditorFinancialAccount", _node("IBANID", seller["iban"])),
        ),
        *(_vat(document, total, sign) for total in document["vat"]),
        _period(month.first.isoformat(), month.last.isoformat()),
        *(_allowance(document, line) for line in reduced),
        _node(
            "SpecifiedTradePaymentTerms",
            _day("DueDateDateTime", document["due_on"]),
            debited and payment["mandate_reference"] and _node("DirectDebitMandateID", payment["mandate_reference"]),
        ),
        _node(
            "SpecifiedTradeSettlementHeaderMonetarySummation",
            _node("LineTotalAmount", _euros(sum(line["amount_cents"] for line in _kept(lines)))),
            reduced and _node("AllowanceTotalAmount", _euros(-sum(line["amount_cents"] for line in reduced))),
            _node("TaxBasisTotalAmount", _euros(sign * document["excl_vat_cents"])),
            _node("TaxTotalAmount", _euros(sign * document["vat_cents"]), currencyID="EUR"),
            _node("GrandTotalAmount", _euros(sign * document["incl_vat_cents"])),
            _node("DuePayableAmount", _euros(sign * document["incl_vat_cents"])),
        ),
        corrects
        and _node(
            "InvoiceReferencedDocument",
            _node("IssuerAssignedID", corrects["number"]),
            corrects["date"] and _day("FormattedIssueDateTime", corrects["date"], "qdt"),
        ),
    )


def _vat(document: Document, total: Document, sign: int) -> Node:
    category = _category(document, total["rate"])
    return _node(
        "ApplicableTradeTax",
        _node("CalculatedAmount", _euros(sign * total["vat_cents"])),
        _node("TypeCode", "VAT"),
        total["mention"] and _node("ExemptionReason", total["mention"]),
        _node("BasisAmount", _euros(sign * total["base_cents"])),
        _node("CategoryCode", category),
        category in REASONS and _node("ExemptionReasonCode", REASONS[category]),
        _node("DueDateTypeCode", ON_DEBITS if document["vat_on_debits"] else ON_PAYMENT),
        _node("RateApplicablePercent", _percent(total["rate"])),
    )


def _allowance(document: Document, line: Document) -> Node:
    return _node(
        "SpecifiedTradeAllowanceCharge",
        _node("ChargeIndicator", _node("udt:Indicator", "false")),
        _node("ActualAmount", _euros(-line["amount_cents"])),
        _node("ReasonCode", DISCOUNT),
        _node("Reason", line["label"]),
        _tax(document, line["vat_rate"], "CategoryTradeTax"),
    )


def _tax(document: Document, rate: str, tag: str = "ApplicableTradeTax") -> Node:
    code = _node("CategoryCode", _category(document, rate))
    return _node(tag, _node("TypeCode", "VAT"), code, _node("RateApplicablePercent", _percent(rate)))


def _category(document: Document, rate: str) -> str:
    return CATEGORIES.get(VatRegime(document["vat_regime"])) or ("S" if Decimal(rate) else "Z")


def _percent(rate: str) -> str:
    return f"{Decimal(rate):.2f}"


def _period(first: str, last: str) -> Node:
    return _node("BillingSpecifiedPeriod", _day("StartDateTime", first), _day("EndDateTime", last))


def _last_day(document: Document) -> str:
    return Month.parse(document["month"]).last.isoformat()


def _day(tag: str, day: str, kind: str = "udt") -> Node:
    return _node(tag, _node(f"{kind}:DateTimeString", day.replace("-", ""), format="102"))


def _euros(cents: int) -> str:
    """
    >>> _euros(-5)
    '-0.05'
    """
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _node(tag: str, *content: Any, **attributes: str) -> Node:
    """An element; a name without prefix is one of `ram`. What is empty or false is left out."""
    prefix, _, name = tag.rpartition(":")
    node = ElementTree.Element(f"{{{NAMESPACES[prefix or 'ram']}}}{name}", attributes)
    for part in content:
        if isinstance(part, ElementTree.Element):
            node.append(part)
        elif part:
            node.text = UNPRINTABLE.sub("", str(part))
    return node
