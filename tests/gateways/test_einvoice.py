"""Each kind of document passes the XSD, EN 16931 and the French rules; each thing left out is caught by its rule."""

import io
from decimal import Decimal

import facturx
import pikepdf
import pytest
from lxml import etree

from gateways import einvoice as rules_of
from gateways import paper
from gateways.einvoice import NotConformant
from jobs.billing.conform import check
from rules import einvoice, invoicing
from rules.invoicing import BillLine

SELLER = {
    "name": "Télécoms Imaginaires", "legal_form": "SAS", "capital_cents": 1_000_000, "siren": "529197709",
    "siret": "52919770900023", "vat_number": "FR56529197709", "rcs_city": "Nantes", "street": "1 quai du Dessin",
    "postcode": "44000", "city": "Nantes", "country": "FR", "email": "bonjour@telecoms-imaginaires.example",
    "phone": "01 99 00 12 34", "service_hours": "", "iban": "FR7630006000011234567890189", "bic": "AGRIFRPPXXX",
    "ics": "FR72ZZZ123456", "einvoice_address": "0225:529197709", "logo": "",
}  # fmt: skip
FRANCE = {"street": "26 allée des Chênes", "street2": "", "postcode": "33000", "city": "Bordeaux", "country": "FR"}
FIRM = {
    "customer_number": "C00003", "name": "Menuiserie « Noël » & Fils <SA> 'x'", "kind": "BUSINESS", "siren": "732829320",
    "siret": "73282932000074", "vat_number": "FR44732829320", "einvoice_address": "0225:732829320", "place": FRANCE,
    "address": ["26 allée des Chênes", "33000 Bordeaux"], "delivery": [], "contact": "", "purchase_order": "BC-2026-0117",
}  # fmt: skip
NOBODY = {"siren": "", "siret": "", "vat_number": ""}
CONSUMER = FIRM | NOBODY | {"kind": "CONSUMER", "name": "Camille Exemple", "einvoice_address": "EM:camille@exemple.example"}
FOREIGN = FIRM | NOBODY | {
    "vat_number": "BE0411905847", "einvoice_address": "0208:0411905847",
    "place": FRANCE | {"postcode": "1000", "city": "Bruxelles", "country": "BE"},
}  # fmt: skip


def line(cents, rate="20", section="RECURRING", **more):
    row = {
        "section": section, "label": "Abonnement Solo", "amount_cents": cents, "vat_rate": rate, "quantity": 1,
        "unit_micro": None, "msisdn": "+33639984001", "user_name": "Inès Essai", "first": None, "last": None, "days": None,
        "days_in_month": None, "month": None, "type": None, "category": None, "part": None, "count": None, "units": None,
        "covered": None,
    }  # fmt: skip
    return row | more


def document(*lines, buyer=FIRM, regime="", kind=None, **more):
    """A document as drafting writes it, numbered; its VAT by the law."""
    vat = invoicing.totals(BillLine(row["section"], "", row["amount_cents"], Decimal(row["vat_rate"])) for row in lines)
    excl, tax = sum(row["amount_cents"] for row in lines), sum(total.vat_cents for total in vat)
    mention = next(row for row in invoicing.REGIMES if row["code"] == regime).get("mention", "")
    return {
        "layout": 1, "kind": kind or ("CREDIT_NOTE" if excl + tax < 0 else "INVOICE"), "number": "F2026-000123",
        "issued_on": "2026-11-02", "due_on": "2026-12-02", "month": "2026-10", "seller": SELLER, "buyer": buyer,
        "payment": {"method": "TRANSFER", "days": 30, "end_of_month": False, "iban_tail": "", "mandate_reference": ""},
        "vat_regime": regime, "vat_on_debits": True, "corrects": None, "lines": list(lines),
        "vat": [
            {"rate": str(row.rate), "base_cents": row.base_cents, "vat_cents": row.vat_cents, "mention": mention} for row in vat
        ],
        "excl_vat_cents": excl, "vat_cents": tax, "incl_vat_cents": excl + tax, "group_lines": False, "hide_digits": True,
        "detailed_bill": False, "usage": {"days": 31, **dict.fromkeys(("data_kb", "voice_s", "messages"), [0] * 31)},
        "texts": {
            "late_payment": "Pénalités de retard : trois fois le taux d'intérêt légal ; indemnité de 40 €.",
            "early_payment": "Pas d'escompte pour paiement anticipé.", "footer": "", "payment": "",
        },
    } | more  # fmt: skip


DEBIT = {"method": "DIRECT_DEBIT", "days": 30, "end_of_month": False, "iban_tail": "5074", "mandate_reference": "RUM-C00003-1"}
CORRECTS = {"number": "F2026-000007", "date": "2026-10-02"}
DOCUMENTS = {
    "one line": document(line(1999)),
    "sixty lines": document(*(line(100 + rank, label=f"Ligne {rank}") for rank in range(60))),
    "two rates": document(line(3011), line(1000, "8.5")),
    "zero-rated": document(line(1999), line(500, "0")),
    "credit note in full": document(line(-1999), corrects=CORRECTS),
    "credit note in part": document(line(-1999, section="REFUND"), line(500), corrects=CORRECTS),
    "credit note for the former system": document(line(-1999, section="REFUND")),
    "discount": document(line(1999), line(-500, section="DISCOUNT", label="Remise fidélité")),
    "service of a third party": document(line(1999), line(350, section="THIRD_PARTY", part="S")),
    "equipment and service": document(line(1999), line(49_900, section="ONE_OFF", nature="goods")),
    "equipment alone": document(line(49_900, section="ONE_OFF", nature="goods")),
    "consumer without SIREN": document(line(1999), buyer=CONSUMER),
    "foreign buyer": document(line(1999, "0"), buyer=FOREIGN, regime="REVERSE_CHARGE"),
    "overseas": document(line(1999, "8.5"), regime="DROM_85"),
    "Guyane": document(line(1999, "0"), regime="EXEMPT_294"),
    "export": document(line(1999, "0"), buyer=FOREIGN, regime="EXPORT"),
    "an invoice of zero": document(line(1999), line(-1999, section="DISCOUNT")),
    "direct debit": document(line(1999), payment=DEBIT),
    "quantity and unit price": document(line(249, quantity=3, unit_micro=830_000)),
    "VAT on payment": document(line(1999), vat_on_debits=False),
}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_a_document_passes_the_xsd_en_16931_and_the_french_rules(what):
    check(DOCUMENTS[what])


@pytest.mark.parametrize("what", DOCUMENTS)
def test_the_pdf_holds_the_same_bytes_and_says_so_in_its_metadata(what):
    given = DOCUMENTS[what]
    xml = einvoice.xml(given)
    made = paper.invoice(given, None, xml).pdf
    assert made == paper.invoice(given, None, xml).pdf
    name, read = facturx.get_xml_from_pdf(made, check_xsd=True)
    assert (name, read) == ("factur-x.xml", xml)
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert pdf.check_pdf_syntax() == []
        told = pdf.open_metadata()
        assert told.pdfa_status == "3B"
        assert told[f"{{{FX}}}ConformanceLevel"] == "EN 16931"
        assert [str(file.AFRelationship) for file in pdf.Root.AF] == ["/Alternative"]


FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"


def changed(given, *places, **values):
    """The document with some values of one of its parts changed."""
    part = given = {**given}
    for place in places:
        part[place] = [*part[place]] if isinstance(part[place], list) else {**part[place]}
        part = part[place]
    part.update(values)
    return given


ONE = DOCUMENTS["one line"]
BROKEN = {
    "no SIREN of the buyer": (changed(ONE, "buyer", siren="", siret=""), "BR-FR-11"),
    "no address of the buyer": (changed(ONE, "buyer", einvoice_address=""), "BR-FR-12"),
    "no address of the seller": (changed(ONE, "seller", einvoice_address=""), "BR-FR-13"),
    "an address of another firm": (changed(ONE, "buyer", einvoice_address="0225:529197709"), "BR-FR-21"),
    "no SIREN of the seller": (changed(ONE, "seller", siren="", siret=""), "BR-FR-10"),
    "a SIRET of another firm": (changed(ONE, "buyer", siret="52919770900023"), "BR-FR-09"),
    "a number with a space": (changed(ONE, number="F2026 000123"), "BR-FR-02"),
    "a number too long": (changed(ONE, number="F" * 36), "BR-FR-01"),
    "a rate that France has not": (document(line(1999, "19")), "BR-FR-16"),
    "a total one cent off": (changed(ONE, incl_vat_cents=ONE["incl_vat_cents"] + 1), "BR-CO-15"),
    "a VAT one cent off": (changed(ONE, vat=[ONE["vat"][0] | {"vat_cents": 401}]), "BR-CO-14"),
    "a date of another century": (changed(ONE, issued_on="1999-11-02"), "BR-FR-03"),
    "a reverse charge without VAT number": (
        document(line(1999, "0"), buyer=FOREIGN | {"vat_number": ""}, regime="REVERSE_CHARGE"), "BR-AE-02"),
    "an exemption without a reason": (
        changed(DOCUMENTS["Guyane"], vat=[DOCUMENTS["Guyane"]["vat"][0] | {"mention": ""}]), "BR-E-10"),
    "no line": (changed(ONE, lines=[]), "XSD"),
    "a transfer without IBAN": (changed(ONE, "seller", iban=""), "BR-50"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_is_caught_by_its_rule(what):
    given, rule = BROKEN[what]
    with pytest.raises(NotConformant) as caught:
        check(given)
    told = " ".join(one["code"] for one in caught.value.errors)
    assert rule in told


NOTES = "{*}ExchangedDocument/{*}IncludedNote"
MUTATIONS = {
    # what is done to the XML: the rule that says so
    "no recovery fee": (lambda root: cut(note(root, "PMT")), "BR-FR-05"),
    "no penalties": (lambda root: cut(note(root, "PMD")), "BR-FR-05"),
    "no word of discount": (lambda root: cut(note(root, "AAB")), "BR-FR-05"),
    "the fee twice": (lambda root: note(root, "PMD").find("{*}SubjectCode").__setattr__("text", "PMT"), "BR-FR-06"),
    "an unknown mode": (
        lambda root: write(root, ".//{*}BusinessProcessSpecifiedDocumentContextParameter/{*}ID", "X1"),
        "BR-FR-08",
    ),
    "an unknown type": (lambda root: write(root, ".//{*}ExchangedDocument/{*}TypeCode", "999"), "BR-FR-04"),
    "an unknown buyer": (lambda root: note(root, "BAR").find("{*}Content").__setattr__("text", "B2X"), "BR-FR-20"),
    "a negative price": (lambda root: write(root, ".//{*}ChargeAmount", "-19.99"), "BR-27"),
    "seven decimals": (lambda root: write(root, ".//{*}ChargeAmount", "19.9900001"), "BR-FR-DEC-03"),
    "a rate of three decimals": (lambda root: write(root, ".//{*}RateApplicablePercent", "8.500"), "BR-FR-16"),
    "a credit note without its invoice": (lambda root: write(root, ".//{*}ExchangedDocument/{*}TypeCode", "381"), "BR-FR-CO-05"),
    "due before it is issued": (lambda root: write(root, ".//{*}DueDateDateTime/{*}DateTimeString", "20261001"), "BR-FR-CO-07"),
}


def note(root, code):
    return next(node for node in root.findall(NOTES) if node.findtext("{*}SubjectCode") == code)


def cut(node):
    node.getparent().remove(node)


def write(root, path, text):
    root.find(path).text = text


@pytest.mark.parametrize("what", MUTATIONS)
def test_a_mutated_xml_is_caught_by_its_rule(what):
    change, rule = MUTATIONS[what]
    root = etree.fromstring(einvoice.xml(ONE))
    change(root)
    with pytest.raises(NotConformant) as caught:
        rules_of.check_rules(etree.tostring(root))
    assert any(rule in one["code"] + one["message"] for one in caught.value.errors), caught.value.errors


def test_only_the_number_and_the_dates_of_an_xml_change_when_it_is_numbered():
    other = changed(ONE, number="F2026-999999", issued_on="2026-11-03", due_on="2026-12-03")
    first, second = einvoice.xml(ONE).decode(), einvoice.xml(other).decode()
    for before, after in (("F2026-000123", "F2026-999999"), ("20261102", "20261103"), ("20261202", "20261203")):
        first = first.replace(before, after)
    assert first == second


def test_characters_that_xml_cannot_hold_are_left_out_and_the_others_kept():
    xml = einvoice.xml(changed(ONE, "buyer", name="Zoé \x07\ufffe& <b> 漢 🎉"))
    assert "Zoé &amp; &lt;b&gt; 漢 🎉".encode() in xml
    rules_of.check_form(xml)
