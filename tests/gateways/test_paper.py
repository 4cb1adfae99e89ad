"""What is printed, read back from the PDF; the pages are looked at by eye as well."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from io import BytesIO
from itertools import cycle

import pytest
import segno.helpers
from pypdf import PdfReader

from gateways import paper
from rules.money import half_up

SELLER = {
    "name": "Télécoms Imaginaires",
    "legal_form": "SAS",
    "capital_cents": 1_000_000,
    "siren": "529197709",
    "siret": "52919770900023",
    "vat_number": "FR56529197709",
    "rcs_city": "Nantes",
    "street": "1 quai du Dessin",
    "postcode": "44000",
    "city": "Nantes",
    "country": "FR",
    "email": "bonjour@telecoms-imaginaires.example",
    "phone": "01 99 00 12 34",
    "iban": "FR7630006000011234567890189",
    "bic": "AGRIFRPPXXX",
    "ics": "FR72ZZZ123456",
}
BUYER = {
    "customer_number": "C00003",
    "name": "Menuiserie Noël & Fils SA",
    "kind": "BUSINESS",
    "siren": "732829320",
    "siret": "73282932000074",
    "vat_number": "FR44732829320",
    "address": ["26 allée des Chênes", "33000 Bordeaux"],
    "delivery": [],
    "contact": "Camille Exemple",
    "purchase_order": "BC-2026-0117",
}
NOVEMBER = {"first": "2026-11-01", "last": "2026-11-30", "days": 30, "days_in_month": 30}
QUIET = {"days": 31, "data_kb": [0] * 31, "voice_s": [0] * 31, "messages": [0] * 31}
BUSY = {"days": 31, "data_kb": list(range(31)), "voice_s": list(range(31, 0, -1)), "messages": [3] * 31}
HOSTILE = '#panic("x") *gras* <b> 漢 🎉 $x^2$ @ref `brut` \\ = titre'


def user(line):
    """A mobile line by its rank; None: the customer as a whole."""
    if line is None:
        return {"msisdn": "", "user_name": ""}
    return {"msisdn": f"+33639984{line:03}", "user_name": f"Inès Essai {line}"}


def bill_line(section, label, amount_cents, line=0, **more):
    empty = dict.fromkeys(("first", "last", "days", "days_in_month", "month", "type", "category", "count", "units", "covered"))
    who = (
        {"msisdn": "", "user_name": ""} if line is None else {"msisdn": f"+33639984{line:03}", "user_name": f"Inès Essai {line}"}
    )
    money = {"quantity": 1, "amount_cents": amount_cents, "vat_rate": "20"}
    return {"section": section, "label": label} | who | money | empty | more


def document(*lines, **more):
    excl = sum(line["amount_cents"] for line in lines)
    vat = half_up(excl * 20, 100)
    return {
        "layout": 1,
        "kind": "INVOICE",
        "number": "F2026-000123",
        "issued_on": "2026-11-02",
        "due_on": "2026-12-02",
        "month": "2026-10",
        "seller": SELLER,
        "buyer": BUYER,
        "payment": {"method": "TRANSFER", "iban_tail": "5074", "mandate_reference": "RUM-C00003-1"},
        "vat_regime": "",
        "vat_on_debits": True,
        "corrects": None,
        "group_lines": False,
        "hide_digits": True,
        "detailed_bill": True,
        "lines": list(lines),
        "vat": [{"rate": "20", "base_cents": excl, "vat_cents": vat, "mention": ""}],
        "excl_vat_cents": excl,
        "vat_cents": vat,
        "incl_vat_cents": excl + vat,
        "usage": QUIET,
        "texts": {"late_payment": "", "early_payment": "", "footer": ""},
    } | more


def fleet(lines, **more):
    offers = [bill_line("RECURRING", f"Essentiel {i}", 1_000 + i, i, **NOVEMBER) for i in range(lines)]
    discounts = [bill_line("DISCOUNT", "Remise 10 %", -100, i, **NOVEMBER) for i in range(0, lines, 4)]
    usage = {"month": "2026-10", "type": "VOICE", "category": "INTL", "count": 4, "units": 2_300, "covered": 1_200}
    calls = [bill_line("USAGE", "Mobiles Maroc", 482, i, **usage) for i in range(0, lines, 3)]
    return document(*offers, *discounts, *calls, **more)


def call(second, line=0, **more):
    at = f"2026-10-03T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    what = {"type": "VOICE", "direction": "OUT", "destination": "Mobiles France", "other": "33639981234"}
    return user(line) | {"at": at} | what | {"units": 188, "covered": 0, "amount_micro": 83_333} | more


def pages(made):
    """The lines of each page, every blank as one space."""
    return [
        [" ".join(line.split()) for line in page.extract_text().splitlines() if line.strip()]
        for page in PdfReader(BytesIO(made.pdf)).pages
    ]


def read(made):
    return "\n".join(line for page in pages(made) for line in page)


def assert_says(made, *words, never=()):
    text = read(made)
    assert [wanted for wanted in words if wanted not in text] == []
    assert [unwanted for unwanted in never if unwanted in text] == []


def test_the_shortest_invoice_is_one_page_that_says_who_what_and_how_much():
    made = paper.invoice(document(bill_line("RECURRING", "Essentiel 2 h", 832, **NOVEMBER)))
    assert_says(
        made,
        "Facture\nF2026-000123",
        "Période du 1er au 31 octobre 2026",
        "9,98 € TTC à payer au plus tard le 2 décembre 2026.",  # 8,32 + 1,66 of VAT
        "06 39 98 40 00 Inès Essai 0",
        "Essentiel 2 h du 1er au 30 novembre 2026 1 20 % 8,32 €",
        "TVA 20 % sur 8,32 € 1,66 €",
        "SAS au capital de 10 000 €",
        "RCS Nantes 529 197 709 · SIRET 529 197 709 00023 · TVA FR56529197709",
        "Option pour le paiement de la taxe d’après les débits",
        "40 € pour frais de recouvrement",
        "page 1/1",
    )
    assert (len(pages(made)), made.replaced) == (1, 0)


def test_figures_bear_narrow_spaces_and_a_true_minus():
    lines = bill_line("RECURRING", "Flotte", 123_456_789), bill_line("DISCOUNT", "Remise", -123_450)
    raw = PdfReader(BytesIO(paper.invoice(document(*lines)).pdf)).pages[0].extract_text()
    assert [words for words in ("1\u202f234\u202f567,89\u202f€", "−1\u202f234,50\u202f€") if words not in raw] == []


def test_the_invoice_is_a_pdf_a_3b():
    metadata = PdfReader(BytesIO(paper.invoice(fleet(1)).pdf)).xmp_metadata.stream.get_data()
    assert b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" in metadata


def test_sections_stand_in_the_order_of_the_law():
    sections = ("ONE_OFF", "THIRD_PARTY", "REGULARISATION", "USAGE", "ACTIVATION", "DISCOUNT", "REFUND", "RECURRING")
    text = read(paper.invoice(document(*(bill_line(section, section, 100) for section in sections))))
    titles = ("Abonnements et options", "Communications hors forfait", "Services de tiers", "Ponctuel", "Total HT")
    assert sorted(titles, key=text.index) == list(titles)
    assert text.index("ACTIVATION") < text.index("Communications hors forfait") < text.index("REGULARISATION")


def test_each_line_has_its_subtotal_and_each_section_its_own():
    lines = [bill_line("RECURRING", "Essentiel", 1_000, i) for i in (1, 2)] + [bill_line("DISCOUNT", "Remise", -100, 1)]
    assert_says(paper.invoice(document(*lines)), "06 39 98 40 01 Inès Essai 1 9,00 €", "HT 19,00 €")


def test_grouped_lines_show_one_subtotal_a_section_and_the_number_on_each_row():
    lines = [bill_line("RECURRING", f"Essentiel {i}", 1_000, i) for i in (1, 2)]
    made = paper.invoice(document(*lines, group_lines=True))
    assert_says(made, "06 39 98 40 01 Essentiel 1", "06 39 98 40 02 Essentiel 2", "HT 20,00 €", never=["Inès"])


def test_a_part_of_a_month_says_its_days_and_usage_says_its_units():
    part = bill_line("RECURRING", "Essentiel", 537, first="2026-10-12", last="2026-10-31", days=20, days_in_month=31)
    data = bill_line("USAGE", "Suisse", 1_310, type="DATA", count=17, units=412_345, covered=102_400)
    several = bill_line("ONE_OFF", "Coque", 2_400, None, quantity=2)
    assert_says(
        paper.invoice(document(part, data, several)),
        "du 12 au 31 octobre 2026, 20/31 jours",
        "402,7 Mo, dont 100 Mo dans le forfait 17 connexions",  # 412 345 / 1024 = 402.68
        "Coque 2 × 12,00 €",
    )


@pytest.mark.parametrize("grouped", [False, True])
def test_totals_never_stand_alone_and_no_heading_ends_a_page(grouped):
    for lines in range(8, 60, 3):
        made = pages(paper.invoice(fleet(lines, group_lines=grouped)))
        (closing,) = (page for page in made if any(line.startswith("Total TTC") for line in page))
        assert sum("20 %" in line for line in closing) > 1, lines  # the VAT row, and at least one row of the table
        for number, page in enumerate(made):
            last = page[next(i for i, line in enumerate(page) if line.startswith("Télécoms Imaginaires ·")) - 1]
            assert "Inès" not in last, (lines, number)


def test_sixty_lines_repeat_their_section_on_every_page():
    made = pages(paper.invoice(fleet(60, usage=BUSY)))
    assert made[1][0] == "Abonnements et options (suite) Quantité, prix HT TVA Montant HT"
    assert [page[-1] for page in made] == [f"page {number}/{len(made)}" for number in range(1, len(made) + 1)]


def test_a_credit_note_gives_back_positive_amounts_and_names_what_it_corrects():
    refund = bill_line("REFUND", "Essentiel 2 h", -1_000, first="2026-10-11", last="2026-10-31", days=21, days_in_month=31)
    corrects = {"number": "F2026-000100", "date": "2026-10-02"}
    note = document(refund, kind="CREDIT_NOTE", number="A2026-000007", due_on=None, corrects=corrects)
    assert_says(
        paper.invoice(note),
        "Avoir\nA2026-000007",
        "12,00 € TTC à votre crédit. Cet avoir corrige la facture F2026-000100 du 2 octobre 2026.",
        "Total à votre crédit TTC 12,00 €",
        never=["−", "payer", "IBAN", "Échéance"],
    )
    assert_says(paper.invoice(note | {"corrects": None}), "à votre crédit.", never=["Cet avoir"])


def test_a_draft_has_no_number_and_nothing_to_pay():
    made = paper.invoice(fleet(2, number=None, due_on=None))
    assert_says(made, "BROUILLON", "Facture\nBrouillon", "rien n’est dû", never=["IBAN"])


@pytest.mark.parametrize(
    "method, words",
    [
        ("TRANSFER", ("FR76 3000 6000 0112 3456 7890 189", "AGRIFRPPXXX")),
        ("DIRECT_DEBIT", ("prélevés le 2 décembre 2026", "RUM-C00003-1", "FR72ZZZ123456", "•••• 5074")),
        ("CARD", ("Paiement par carte bancaire", "01 99 00 12 34")),
        ("CHEQUE", ("À l’ordre de", "Télécoms Imaginaires", "Au dos")),
    ],
)
def test_each_way_to_pay_says_what_it_needs(method, words):
    payment = {"method": method, "iban_tail": "5074", "mandate_reference": "RUM-C00003-1"}
    others = [] if method == "TRANSFER" else ["AGRIFRPPXXX"]
    assert_says(paper.invoice(fleet(1, payment=payment)), *words, never=others)


def test_only_a_transfer_with_something_to_pay_bears_the_bank_code(monkeypatch):
    asked, make = [], segno.helpers.make_epc_qr
    monkeypatch.setattr(segno.helpers, "make_epc_qr", lambda **said: asked.append(said) or make(**said))
    card = {"method": "CARD", "iban_tail": "", "mandate_reference": ""}
    for case in (fleet(1), fleet(1, number=None), fleet(1, payment=card), document(), document(bill_line("REFUND", "x", -100))):
        paper.invoice(case)
    (said,) = asked
    assert said["amount"] == Decimal("16.58")  # 10,00 − 1,00 + 4,82 = 13,82, and 2,76 of VAT
    assert (said["text"], said["iban"]) == ("F2026-000123", SELLER["iban"])


def test_without_a_bank_account_the_paper_goes_without_the_code():
    assert_says(paper.invoice(fleet(1, seller=SELLER | {"iban": "", "bic": ""})), "Paiement par virement", never=["IBAN"])


def test_a_consumer_reads_nothing_about_the_penalties_of_professionals():
    made = paper.invoice(fleet(1, buyer=BUYER | {"kind": "CONSUMER"}))
    assert_says(made, "contester cette facture", never=["40 €", "escompte"])


def test_texts_of_the_reseller_take_the_place_of_ours_and_become_french():
    texts = {"late_payment": "Pénalités : 12 % l'an !", "early_payment": "Escompte : néant.", "footer": "Un pied\nde page"}
    made = paper.invoice(fleet(1, texts=texts))
    assert_says(made, "Pénalités : 12 % l’an ! Escompte : néant.", "Un pied\nde page", never=["L441-10"])


def test_vat_stands_by_rate_with_its_mention():
    vat = [
        {"rate": "20.00", "base_cents": 1_000, "vat_cents": 200, "mention": ""},
        {"rate": "8.5", "base_cents": 1_000, "vat_cents": 85, "mention": ""},
        {"rate": "0", "base_cents": 500, "vat_cents": 0, "mention": "Autoliquidation"},
    ]
    rates = ("TVA 20 % sur 10,00 € 2,00 €", "TVA 8,5 % sur 10,00 € 0,85 €", "TVA 0 % sur 5,00 €", "Autoliquidation")
    assert_says(paper.invoice(fleet(1, vat=vat)), *rates)


def test_what_people_type_is_never_markup_and_missing_characters_are_counted():
    line = bill_line("RECURRING", HOSTILE, 100, user_name=HOSTILE)
    made = paper.invoice(document(line, buyer=BUYER | {"name": HOSTILE, "address": ["W" * 300]}))
    assert made.replaced == 3 * 2  # an ideogram and an emoji in each of three strings
    assert read(made).count('#panic("x") *gras* <b> □ □ $x^2$ @ref `brut`') == 3


def test_no_character_stops_a_run():
    codes = [*range(0x3000), *range(0xD7F0, 0xE010), *range(0xFB00, 0x10000), *range(0x1F300, 0x1F400)]
    words = ["".join(map(chr, codes[i : i + 20])) for i in range(0, len(codes), 20)]
    assert paper.invoice(document(*(bill_line("ONE_OFF", word, 100, None) for word in words))).replaced > 5_000


def test_letters_are_composed_then_transliterated_then_boxed():
    assert paper.clean(["Zoe\u0301", "Ａix", "漢", "a\u202eb\x00c\tœ", "l\u2028m"]) == (["Zoé", "Aix", "□", "abc œ", "l\nm"], 2)


def test_the_same_data_give_the_same_bytes_in_every_thread():
    some, calls = fleet(5, usage=BUSY), [call(i) for i in range(50)]
    with ThreadPoolExecutor(2) as pool:
        assert len({made.pdf for made in pool.map(lambda _: paper.invoice(some), range(6))}) == 1
        assert len({made.pdf for made in pool.map(lambda _: paper.detail(some, calls), range(6))}) == 1
    assert b"D:20261102" in paper.invoice(some).pdf


def test_the_annex_hides_four_digits_unless_the_holder_asked_for_them():
    calls = [call(1), call(2, other="=3900"), call(3, other=""), call(4, other="41225550000")]
    hidden = ("06 39 98 •• ••", "3900", "+4122555••••")
    assert_says(paper.detail(fleet(1), calls), *hidden, never=["98 12 34", "50000"])
    assert_says(paper.detail(fleet(1, hide_digits=False), calls), "06 39 98 12 34", "+41225550000", never=["•"])


def test_the_annex_sums_each_line_and_keeps_six_decimals():
    calls = [call(1), call(2, type="SMS", units=1, covered=1, amount_micro=0), call(3, line=1, amount_micro=1_500_000)]
    assert_says(
        paper.detail(fleet(2), calls),
        "2 communications : 3 min 08 s, 1 SMS 0,083333 € HT, 0,10 € TTC",  # 0,0999996
        "1 communication : 3 min 08 s 1,50 € HT, 1,80 € TTC",
        "3 communications, 2 lignes, 1,583333 € HT, 1,90 € TTC.",
        "sam. 3 00:00:02 Mobiles France 06 39 98 •• •• 1 SMS inclus 0,00 0,00",
    )


def test_what_an_unlimited_allowance_covers_is_one_row_for_each_line_and_category():
    """What is billed, or drawn from a pot that is counted, is still told call by call."""
    endless = {"category": "FR_MOBILE", "unlimited": True, "covered": 188, "amount_micro": 0, "other": "33639985678"}
    free = [call(i, **endless) for i in range(40)]
    sms = [call(50 + i, **endless | {"type": "SMS", "category": "SMS_FR", "units": 1, "covered": 1}) for i in range(3)]
    counted = call(60, covered=188, amount_micro=0, other="33639981111")
    service = call(61, **endless | {"amount_micro": 500_000, "other": "=3900", "destination": "Services"})
    assert_says(
        paper.detail(fleet(1), [*free, *sms, counted, service]),
        "45 communications : 2 h 11 min 36 s, 3 SMS 0,50 € HT, 0,60 € TTC",  # 42 × 188 s
        "Appels, mobiles de France, illimité : 40 communications 2 h 05 min 20 s inclus 0,00 0,00",
        "SMS, France, illimité : 3 communications 3 SMS inclus 0,00 0,00",
        "06 39 98 •• •• 3 min 08 s inclus 0,00 0,00",
        "3900 3 min 08 s inclus 0,50 0,60",
        never=["5678", "56 78", "1111", "11 11"],
    )


def test_two_thousand_calls_repeat_their_headings_and_lose_nothing():
    units = cycle(range(1, 4_000, 7))
    calls = [call(i, line=i // 400, units=next(units), amount_micro=i) for i in range(2_000)]
    made = pages(paper.detail(fleet(5), calls))
    assert all("Jour Heure Destination Numéro Durée, volume Dont forfait HT, € TTC, €" in page for page in made)
    assert sum("Mobiles France" in line for page in made for line in page) == 2_000
    assert any("06 39 98 40 00 (suite)" in line for line in made[1])


def test_an_annex_without_calls_says_so():
    assert_says(paper.detail(fleet(1), []), "0 communication, 0 ligne, 0,00 € HT, 0,00 € TTC.")


@pytest.mark.parametrize(
    "source, complaint", [('#set text(font: "Nulle part")\nx', "unknown font family"), ("#nowhere", "unknown variable")]
)
def test_a_complaint_of_typst_is_a_refusal_that_names_it(source, complaint, tmp_path, monkeypatch):
    (tmp_path / "invoice.typ").write_text(source)
    monkeypatch.setattr(paper, "TEMPLATES", tmp_path)
    monkeypatch.setattr(paper, "_thread", threading.local())
    with pytest.raises(paper.PaperRefused, match=complaint):
        paper.invoice(fleet(1))
