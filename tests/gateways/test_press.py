"""What people type is printed as they typed it; a text that overwhelms the layout kills nothing but a child (promise X-04)."""

import os
import re
import subprocess
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from fontTools.ttLib import TTFont
from hypothesis import example, given, settings
from hypothesis import strategies as st
from logo_samples import encoded, picture

from gateways import logos, paper
from gateways.press import PaperTooHeavy, Press
from tests.gateways.test_paper import HOSTILE, assert_says, document, fleet, read

PRINTABLE = [
    chr(code)
    for code in TTFont(paper.FONT_FILES / "Lato-Regular.ttf", lazy=True).getBestCmap()
    if unicodedata.category(chr(code))[0] in "LNPS" and unicodedata.normalize("NFKC", chr(code)) == chr(code)
]
TYPED = st.text(st.one_of(st.sampled_from("#$*_@<>`~[]{}()\\\"/=-+^|&%!?;:., \t'"), st.sampled_from(PRINTABLE)), max_size=60)
ALL = ["late_payment", "early_payment", "footer", "payment"]


@pytest.fixture
def press():
    made = Press()
    yield made
    made.close()


def squeezed(text):
    """Without blanks and breaks; apostrophes as the house prints them."""
    return re.sub(r"[\s\u200b]+", "", text).replace("'", "’")


def pdftotext(pdf):
    return subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()


@pytest.mark.system
@settings(max_examples=200, deadline=None)
@example('#panic("x") #read("/etc/passwd")')
@example('#import "@preview/x:1.0.0": * $x^2$ *a* _b_ `c` @d <e> = f // g /* h */ \\u{41} \\ ~ --- ...')
@example("{iban {due_on {{}} }} #{d.seller.iban} \\(x\\)")
@given(TYPED)
def test_what_is_typed_is_printed_literally(text):
    wanted = squeezed(text)
    texts = {"late_payment": f"(1){text}(1)", "early_payment": f"(2){text}(2)", "footer": f"(3){text}(3)", "payment": text[:25]}
    seen = squeezed(pdftotext(paper.invoice(fleet(1, texts=texts)).pdf))
    for mark in "123":
        assert f"({mark}){wanted}({mark})" in seen
    assert squeezed(text[:25]) in seen


@pytest.mark.system
def test_variables_become_their_values_once_and_values_are_never_read_again():
    seller = document()["seller"] | {"bic": "{iban}", "ics": '#panic("x")'}
    words = "{number} le {due_on}, {amount}, {iban}, {bic}, {ics}, {mandate}, {account}, {customer_number}, {nothing}"
    made = paper.invoice(fleet(1, seller=seller, texts={"payment": words}, payment=document()["payment"] | {"method": "CARD"}))
    seen = squeezed(pdftotext(made.pdf))  # 13,82 € and their VAT
    assert squeezed("F2026-000123 le 2 décembre 2026, 16,58 €, FR76 3000 6000 0112 3456 7890 189, {iban},") in seen
    assert squeezed('#panic("x"), RUM-C00003-1, •••• 5074, C00003, {nothing}') in seen


@pytest.mark.parametrize("method", ["TRANSFER", "DIRECT_DEBIT", "CARD", "CHEQUE"])
def test_the_text_of_a_way_to_pay_stands_in_its_case(method):
    texts = {"payment": "Merci de citer {number}."}
    made = paper.invoice(fleet(1, payment=document()["payment"] | {"method": method}, texts=texts))
    assert_says(made, "Merci de citer F2026-000123.")
    credit = fleet(1, kind="CREDIT_NOTE", corrects={"number": "F1", "date": None}, texts=texts)
    assert_says(paper.invoice(credit), never=["Merci de citer"])


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_logo_takes_the_place_of_the_initials_and_moves_nothing_else(mode):
    logo = logos.drawn(encoded(image=picture(mode=mode)))
    plain, worn = paper.invoice(fleet(3)), paper.invoice(fleet(3), logo)
    assert worn.pdf == paper.invoice(fleet(3), logo).pdf
    assert b"pdfaid:part>3" in worn.pdf
    assert worn.pdf != plain.pdf
    assert "Télécoms Imaginaires" in read(worn)

    def address(pdf):
        words = subprocess.run(["pdftotext", "-bbox", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
        return re.search(r'xMin="([\d.]+)" yMin="([\d.]+)"[^>]*>Menuiserie', words).groups()

    assert address(worn.pdf) == address(plain.pdf), "the window of the envelope does not move"


def test_a_tall_or_wide_logo_keeps_its_proportions_within_its_place():
    for size in ((800, 20), (20, 800), (400, 400)):
        worn = paper.invoice(fleet(3), logos.drawn(encoded(image=picture(*size))))
        assert read(worn).count("page 1/1") == read(paper.invoice(fleet(3))).count("page 1/1")


async def test_the_warm_press_answers_within_its_time_and_like_the_printer(press):
    await press.ask("pictures", fleet(8))
    took = []
    for number in range(5):
        begun = time.perf_counter()
        pages = await press.ask("pictures", fleet(8, number=f"F2026-{number:06}"))
        took.append(time.perf_counter() - begun)
    assert all(page.startswith(b"\x89PNG") for page in pages)
    assert min(took) <= 0.15
    assert await press.ask("invoice", fleet(2)) == paper.invoice(fleet(2))


async def test_a_refusal_of_the_layout_is_told_and_the_press_goes_on(press):
    with pytest.raises(paper.PaperRefused, match="s'est arrêtée"):
        await press.ask("pictures", fleet(1, month="not a month"))
    with pytest.raises(paper.PaperRefused):
        await press.ask("pictures", {"texts": {}})
    assert await press.ask("pictures", fleet(1))


@pytest.mark.parametrize("limits", [{"longest_s": 0.3}, {"largest_bytes": 400 * 1024 * 1024}])
async def test_a_bomb_is_stopped_and_only_the_child_dies_of_it(limits):
    press = Press(**limits)
    bomb = fleet(1, texts={"footer": "x " * 4_000_000})
    try:
        begun = time.perf_counter()
        with pytest.raises(PaperTooHeavy, match="Raccourcissez"):
            await press.ask("pictures", bomb)
        assert time.perf_counter() - begun < 20
        press.longest_s = 10
        assert await press.ask("pictures", fleet(1)), "the next one finds a new press"
    finally:
        press.close()


async def test_a_press_that_was_killed_is_replaced(press):
    await press.ask("pictures", fleet(1))
    os.kill(press._process.pid, 9)
    press._process.wait()
    assert await press.ask("pictures", fleet(1))


def test_many_at_once_wait_their_turn(press):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda number: press._ask("invoice", (fleet(1, number=f"F{number}"),)), range(8)))
    assert [f"F{number}" in read(one) for number, one in enumerate(made)] == [True] * 8


def test_hostile_words_are_the_same_on_the_picture_s_paper(press):
    assert press._ask("pictures", (fleet(1, texts={"footer": HOSTILE, "late_payment": HOSTILE * 5}),))
