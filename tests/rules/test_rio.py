"""The RIO and every official number of a form: what is right is taken in any writing, what is wrong by one sign is refused."""

import json
from pathlib import Path

import pytest

from jobs.reseller import SELLER
from rules import iccid, imei, rio
from rules.errors import RuleError
from rules.files import cells

DATA = Path(__file__).parents[1] / "data"
RIOS = json.loads((DATA / "rio.json").read_text())
NUMBERS = json.loads((DATA / "identifiers.json").read_text())
LAWS = {
    "siren": cells.siren, "siret": cells.siret, "vat_number": cells.vat_number, "iban": cells.iban, "imei": imei.validate,
    "iccid": iccid.validate, "ics": next(column.parse for column in SELLER.columns if column.name == "ics"),
}  # fmt: skip
SIGN = {False: "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", True: rio.ALPHABET}


@pytest.mark.parametrize("written, msisdn", RIOS["good"])
def test_a_right_rio_is_taken_in_capitals_without_blanks(written, msisdn):
    clean = rio.validate(written, msisdn)
    assert clean == written.replace(" ", "").upper()
    assert rio.is_valid(rio.format(clean), msisdn)
    assert rio.validate(clean, f"+33 {rio.national_form(msisdn)[1:]}") == clean


@pytest.mark.parametrize("written, msisdn, why", RIOS["bad"])
def test_a_wrong_rio_is_refused_with_what_to_do(written, msisdn, why):
    with pytest.raises(rio.BadRio) as caught:
        rio.validate(written, msisdn)
    assert "3179" in str(caught.value) or "06 ou le 07" in str(caught.value), why


def test_every_sign_that_is_another_and_every_neighbours_swap_is_found():
    good, msisdn = RIOS["good"][0]
    altered = {
        good[:place] + sign + good[place + 1 :] for place in range(12) for sign in SIGN[place >= 9] if sign != good[place]
    } | {good[:place] + good[place + 1] + good[place] + good[place + 2 :] for place in range(11)}
    assert len(altered - {good}) > 400
    assert not [one for one in altered - {good} if rio.is_valid(one, msisdn)]


def test_the_plus_stands_in_the_key_alone():
    assert rio.is_valid("02P123456BF+", "0698765432")
    with pytest.raises(rio.BadRio, match="n'est pas un RIO"):
        rio.validate("01P+1B2C3NLF", "0612345678")


def test_the_donor_is_named_when_known_and_never_a_reason_to_refuse():
    assert (rio.operator("01PA1B2C3NLF"), rio.operator("44E0000017CB")) == ("Orange", "")
    assert rio.is_valid("44E0000017CB", "0639012345")


def test_the_letter_that_does_not_go_with_the_customer_only_warns():
    assert rio.warning("01PA1B2C3NLF", "CONSUMER") == rio.warning("03EABC123JEH", "BUSINESS") == ""
    assert "lettre P" in rio.warning("01PA1B2C3NLF", "BUSINESS")
    assert "lettre E" in rio.warning("03EABC123JEH", "CONSUMER")


@pytest.mark.parametrize("kind, text", [(kind, text) for kind, known in NUMBERS.items() for text in known["good"]])
def test_a_right_number_is_taken(kind, text):
    assert LAWS[kind](text) == text


@pytest.mark.parametrize("kind, text", [(kind, text) for kind, known in NUMBERS.items() for text in known["bad"]])
def test_a_number_with_a_wrong_key_is_refused(kind, text):
    with pytest.raises(RuleError):
        LAWS[kind](text)
