"""Chapter B of the manual: the reseller's own words in the mails, from the page to what a customer receives."""

import re

import pytest

from endpoints.throttle import THROTTLE
from jobs import words
from rules.words import KINDS
from tables.access import User
from tests.endpoints.visitor import EMAIL, PASSWORD, Visitor
from tests.word_samples import invoiced


@pytest.fixture
async def clerk(database, monkeypatch):
    monkeypatch.setattr(THROTTLE, "_failures", [])
    monkeypatch.setattr(User, "_pbkdf2_iteration_count", 1000)
    await User.create_user(username=EMAIL, email=EMAIL, password=PASSWORD, active=True, admin=True, role="administrator")
    async with Visitor() as client:
        assert (await client.login()).status_code == 303
        yield client


async def press(clerk, kind, act="", **form):
    return await clerk.post(f"/modeles/{kind}{act}", data={"_csrf_token": await clerk.csrf(f"/modeles/{kind}"), **form})


async def test_b1_the_mail_of_an_opened_account_in_the_reseller_s_words(clerk):
    await invoiced("Boulangerie Petit", "F2026-000002", 67_890)
    page = (await clerk.get("/modeles/account_opened")).text
    assert "{{ login }}" in page and "Identifiant de connexion" in page and "C000123" in page, (
        "a variable, what it is, an example"
    )
    subject, body = "Bienvenue chez {{ reseller_name }}", "Bonjour {{ customer_name }},\nvotre identifiant : **{{ login }}**."
    form = {"subject": subject, "version": "0", "client": "BOU"}

    refused = await press(clerk, "account_opened", body=body.replace("login", "loginn"), **form)
    assert (refused.status_code, "vouliez-vous dire {{ login }}" in refused.text) == (422, True)
    seen = await press(clerk, "account_opened", "/apercu", body=body, **form)
    assert "Bonjour Boulangerie Petit,\nvotre identifiant\u00a0: BOU." in seen.text
    assert (await press(clerk, "account_opened", "/essai", body=body, **form)).status_code == 200
    assert (await press(clerk, "account_opened", body=body, **form)).status_code == 303

    mail = await words.compose(
        "account_opened", {"customer_name": "Café <Le Midi>", "customer_number": "C7", "login": "C7", "contact_name": ""}
    )
    assert mail.subject == "Bienvenue chez Télécoms Imaginaires"
    assert "Bonjour Café <Le Midi>,\nvotre identifiant\u00a0: C7." in mail.text
    assert "Café &lt;Le Midi&gt;" in mail.html and "<strong>C7</strong>" in mail.html


@pytest.mark.parametrize("kind", ["invoice_issued", "order_confirmed", "port_date_fixed", "reminder_1", "password_reset"])
async def test_b2_the_other_mails_alike_and_back_to_the_shipped_text(clerk, kind):
    name = next(name for name in KINDS[kind].names if KINDS[kind].least[name] and not name.startswith(("customer", "reseller")))
    before = await words.compose(kind, KINDS[kind].examples)
    form = {"subject": f"Pour vous : {{{{ {name} }}}}", "body": f"À noter : {{{{ {name} }}}}."}
    assert (await press(clerk, kind, version="0", **form)).status_code == 303
    mail = await words.compose(kind, KINDS[kind].examples)
    assert mail.subject == f"Pour vous\u00a0: {KINDS[kind].examples[name]}"
    assert f"À noter\u00a0: {KINDS[kind].examples[name]}." in mail.text
    assert re.search(r"À noter\u00a0: \S+", mail.html)
    assert (await press(clerk, kind, "/origine", version="1")).status_code == 303
    assert await words.compose(kind, KINDS[kind].examples) == before
