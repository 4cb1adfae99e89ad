"""The pages « Modèles » without a browser."""

import pytest

from jobs import words
from rules.words import KINDS
from tables.mail import Mail
from tests.endpoints.visitor import EMAIL
from tests.word_samples import TEXT, invoiced

PAGE = "/modeles/invoice_issued"


async def press(clerk, path, **form):
    token = await clerk.csrf(PAGE)
    return await clerk.post(path, data={"_csrf_token": token, "version": "0", **TEXT, **form})


async def test_the_list_tells_each_kind_and_who_changed_what(clerk):
    page = (await clerk.get("/modeles")).text
    assert all(kind.label in page for kind in KINDS.values())
    assert "Tous sont ceux d’origine" in page
    assert (await press(clerk, PAGE)).status_code == 303
    page = (await clerk.get("/modeles")).text
    assert "Modifié" in page and EMAIL in page


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_has_an_editor_and_a_preview(clerk, kind):
    page = await clerk.get(f"/modeles/{kind}")
    assert page.status_code == 200
    assert all(f"{{{{ {name} }}}}" in page.text for name in KINDS[kind].names)
    assert "srcdoc=" in (await clerk.get(f"/modeles/{kind}/apercu")).text


async def test_a_refused_text_comes_back_with_a_sentence_at_its_field(clerk):
    answer = await press(clerk, PAGE, body="Bonjour\n{{ montant_tt }}", subject="<b>{{ number }}</b>")
    assert answer.status_code == 422
    assert "Ligne 2\u00a0: {{ montant_tt }} n’existe pas\u00a0: vouliez-vous dire {{ incl_vat }}\u202f?" in answer.text
    assert "1\u00a0passage est à corriger" in answer.text
    assert 'aria-invalid="true"' in answer.text and 'id="body-error"' in answer.text
    assert "Bonjour\n{{ montant_tt }}</textarea>" in answer.text, "what was typed is kept"
    assert "&lt;b&gt;{{ number }}" in answer.text
    assert (await words.current("invoice_issued")).shipped


async def test_saved_then_overtaken_then_back_to_the_shipped_text(clerk):
    assert (await press(clerk, PAGE)).headers["location"].startswith(f"{PAGE}?fait=enregistre")
    assert "Il vaut dès le prochain message" in (await clerk.get(f"{PAGE}?fait=enregistre")).text
    late = await press(clerk, PAGE, subject="Trop tard")
    assert (late.status_code, "Trop tard" in late.text, EMAIL in late.text) == (409, True, True)
    confirm = (await clerk.get(f"{PAGE}/origine")).text
    assert "Votre texte ne partira plus" in confirm and 'name="version" value="1"' in confirm
    assert (await press(clerk, f"{PAGE}/origine", version="1")).status_code == 303
    page = (await clerk.get(PAGE)).text
    assert "est revenu au texte d’origine" in page
    assert "Votre facture {{ number }}" in page, "the history keeps it"
    assert "celui d’origine" in page


async def test_the_preview_is_cut_off_and_only_our_pages_frame_it(clerk):
    await invoiced("Boulangerie Petit", "F2026-000002", 67_890)
    answer = await press(clerk, f"{PAGE}/apercu", client="BOU", body="<script>alert(1)</script> {{ customer_name }}")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert "script" not in policy and "frame-ancestors 'self'" in policy
    assert "Boulangerie Petit" in answer.text
    assert "<script" not in answer.text
    page = (await clerk.get(PAGE)).headers["content-security-policy"]
    assert "frame-src 'self'" in page and "unsafe" not in page and "frame-ancestors 'none'" in page
    assert "frame-src" not in (await clerk.get("/modeles")).headers["content-security-policy"]


async def test_a_preview_that_cannot_be_says_why_in_its_frame(clerk):
    for form in ({"client": "C404"}, {"body": "{{ nope_nope }}"}, {"body": "{{"}, {"subject": "x" * 200}):
        answer = await press(clerk, f"{PAGE}/apercu", **form)
        assert answer.status_code == 200
        assert 'role="alert"' in answer.text and "srcdoc" not in answer.text


async def test_a_test_mail_keeps_the_text_and_says_what_happened(clerk):
    answer = await press(clerk, f"{PAGE}/essai")
    assert answer.status_code == 200
    assert [row["recipient"] for row in await Mail.select()] == [EMAIL]
    assert "vous devez {{ incl_vat }}" in answer.text


async def test_what_is_unknown_or_crooked_is_refused_in_french(clerk, visitor):
    assert (await clerk.get("/modeles/inconnu")).status_code == 404
    assert (await clerk.get("/modeles/inconnu/apercu")).status_code == 404
    assert (await press(clerk, "/modeles/inconnu")).status_code == 404
    assert (await press(clerk, PAGE, version="x")).status_code in (400, 422)
    assert (await press(clerk, PAGE, version="9" * 30)).status_code == 409
    assert (await clerk.post(PAGE, data=TEXT)).status_code == 403
    for path in ("/modeles", PAGE, f"{PAGE}/apercu"):
        assert (await visitor.get(path)).headers["location"].startswith("/entrer")
