"""Manual, chapter A: the reseller's face, on both engines."""

import asyncio
import html
import json
import re

import billed_month
import month_samples
import pytest
from logo_samples import SVG, encoded, picture

from gateways import logos, paper
from gateways.press import PRESS
from jobs import face, reseller
from jobs.reseller import FICTITIOUS
from rules import einvoice
from tables.face import Branding
from tables.invoices import Invoice
from tables.timeline import TimelineEntry

HOME = "/personnalisation"
TYPED = {name: value for name, value in FICTITIOUS.items() if name != "capital_cents"} | {
    "capital": "10 000", "country": "FR", "vat_on_debits": "yes", "accent": "#14549c", "welcome": "", "service_hours": "",
    "sender_name": "", "sender_email": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    made = tmp_path_factory.mktemp("small") / "two"
    return month_samples.make(made, months=2, customers=4, lines=8, cdrs=60)


@pytest.fixture(autouse=True)
def _closed():
    yield
    PRESS.close()


async def post(clerk, path=HOME, files=None, **typed):
    form = {"_csrf_token": await clerk.csrf(HOME), **typed}
    return await clerk.post(path, data=form, files=files)


async def send_logo(clerk, data, name="logo.png"):
    return await post(clerk, f"{HOME}/logo", files={"logo": (name, data, "application/octet-stream")})


def told(answer):
    """The sentences of the bubbles, by field."""
    found = re.findall(r'<p class="bubble is-bad" id="(\w+)-error">(.*?)</p>', answer.text)
    return {name: html.unescape(sentence) for name, sentence in found}


async def test_a1_the_logo_is_shown_at_once_on_login_pages_and_paper(clerk, visitor):
    assert (await visitor.get("/marque/logo.png")).status_code == 404
    assert (await send_logo(clerk, encoded("JPEG"))).status_code == 303
    now = await face.face()
    address = f"/marque/logo.png?v={now.logo_sha256[:12]}"
    for page in (await visitor.get("/entrer"), await clerk.get("/facturation"), await clerk.get(HOME)):
        assert address in page.text
    shown = await visitor.get(address)
    assert (shown.content, shown.headers["content-type"]) == (now.logo_png, "image/png")
    assert "immutable" in shown.headers["cache-control"]
    assert "immutable" not in (await visitor.get("/marque/logo.png?v=older")).headers["cache-control"]
    assert (await visitor.get("/nulle-part")).text.count(address) == 1, "pages of refusal too"
    await post(clerk, f"{HOME}/logo/retirer")
    assert (await visitor.get(address)).status_code == 404
    assert address not in (await visitor.get("/entrer")).text
    entries = await TimelineEntry.select(TimelineEntry.event).where(TimelineEntry.subject == "branding")
    assert [row["event"] for row in entries] == ["changed", "changed"]


@pytest.mark.parametrize(
    "data, why",
    [
        (SVG, "script"), (encoded() + b"<script>alert(1)</script>", "collé"), (encoded("GIF"), "PNG, JPEG ou WebP"),
        (b"", "vide"),
        (encoded()[:-30], "incomplète"), (b"\0" * 1_000_001, "1 Mo"), (encoded("PNG", picture(4_001, 90)), "4 000 au plus"),
    ],
)  # fmt: skip
async def test_a1_what_is_no_logo_is_refused_with_its_reason(clerk, data, why):
    answer = await send_logo(clerk, data, '"><script>.png')
    assert answer.status_code == 422
    assert why.replace(" ", "\u202f") in told(answer)["logo"] or why in told(answer)["logo"].replace("4000", "4 000")
    assert (await face.face()).logo_png is None


async def test_a1_sealed_invoices_keep_the_face_they_had(clerk, source, monkeypatch):
    await billed_month.load(source, monkeypatch)
    await send_logo(clerk, encoded("PNG", picture(ink="red")))
    first = (await face.face()).logo_sha256
    run = await billed_month.draft()
    await billed_month.seal(run)
    before = await billed_month.sealed()
    assert before[0]
    await send_logo(clerk, encoded("PNG", picture(ink="blue")))
    await post(clerk, **TYPED | {"name": "Autre Nom", "service_hours": "de 9 h à 18 h"})
    await billed_month.seal_again(run)
    assert await billed_month.sealed() == before
    frozen = json.loads(before[0][0][1])
    assert (frozen["seller"]["logo"], frozen["seller"]["name"]) == (first, "Télécoms Imaginaires")
    again = paper.invoice(frozen, logos.kept(frozen["seller"]["logo"]), einvoice.xml(frozen))
    assert again.pdf in [pdf for _, pdf in before[1]], "printed anew from what is frozen, the same bytes"
    await billed_month.draft(billed_month.NOVEMBER)
    document = json.loads((await Invoice.select(Invoice.document).where(Invoice.number.is_null()).first())["document"])
    assert (document["seller"]["logo"], document["seller"]["name"]) == ((await face.face()).logo_sha256, "Autre Nom")
    assert document["seller"]["service_hours"] == "de 9 h à 18 h"


async def test_a1_a_paper_whose_logo_is_lost_is_refused_and_pages_go_on_without(clerk, source, monkeypatch, data_dir):
    await billed_month.load(source, monkeypatch)
    await send_logo(clerk, encoded("PNG", picture(ink="purple")))
    run = await billed_month.draft()
    for path in (data_dir / "logos").iterdir():
        path.unlink()
    logos._read.cache_clear()
    with pytest.raises(paper.PaperRefused, match="sauvegarde"):
        await billed_month.seal(run)
    assert (await clerk.get(HOME)).status_code == 200
    assert (await face.face()).logo_sha256 == ""


async def test_a2_the_welcome_message_is_plain_text_on_the_login_page(clerk, visitor):
    words = 'Bienvenue !\r\n<script>alert(1)</script> {{ 7*7 }} "éà漢'
    assert (await post(clerk, **TYPED | {"welcome": words})).status_code == 303
    page = (await visitor.get("/entrer")).text
    assert "Bienvenue\u202f!<br>&lt;script&gt;alert(1)&lt;/script&gt; {{ 7*7 }} &#34;éà漢" in page
    assert "<script>alert" not in page
    assert (await face.face()).welcome == words.replace("\r", "")
    for bad in ("x" * 401, "\n".join("abcdefg"), "a\x07b", "a\u202eb\x00"):
        answer = await post(clerk, **TYPED | {"welcome": bad})
        assert (answer.status_code, list(told(answer))) == (422, ["welcome"])
    assert (await face.face()).welcome == words.replace("\r", "")


async def test_a3_bank_details_are_held_to_their_keys_and_printed(clerk):
    for name, wrong in {"iban": "FR0630006000011234567890188", "bic": "AGRIFRPP8", "ics": "FR73ZZZ123456"}.items():
        answer = await post(clerk, **TYPED | {name: wrong})
        assert (answer.status_code, list(told(answer))) == (422, [name])
        assert wrong in answer.text, "what was typed is still there"
    right = {"iban": "FR76 3000 6000 0112 3456 7890 189", "bic": "AGRIFRPP882", "ics": "FR72ZZZ123456"}
    assert (await post(clerk, **TYPED | right)).status_code == 303
    seller = await reseller.current()
    assert (seller.iban, seller.bic, seller.ics) == ("FR7630006000011234567890189", "AGRIFRPP882", "FR72ZZZ123456")


async def test_a4_identity_service_and_sender_are_kept_and_every_fault_is_counted(clerk):
    more = {
        "legal_form": "SARL", "capital": "12 345,67", "service_hours": "de 9 h à 18 h", "phone": "01 99 00 12 34",
        "sender_name": "Facturation", "sender_email": "factures@telecoms-imaginaires.example",
    }  # fmt: skip
    assert (await post(clerk, **TYPED | more)).status_code == 303
    now, seller = await face.face(), await reseller.current()
    assert (now.service_phone, now.service_hours, now.sender_name) == ("01 99 00 12 34", "de 9 h à 18 h", "Facturation")
    assert (now.sender_email, now.service_email) == (more["sender_email"], FICTITIOUS["email"])
    assert (seller.legal_form, seller.capital_cents, seller.vat_on_debits) == ("SARL", 1_234_567, True)
    wrong = {
        "siren": "1",
        "siret": "2",
        "vat_number": "3",
        "sender_email": "a@b.example\r\nBcc: c@d.example",
        "capital": "beaucoup",
    }
    answer = await post(clerk, **TYPED | {name: value for name, value in wrong.items() if name != "capital"})
    assert set(told(answer)) == {"siren", "siret", "vat_number", "sender_email"}
    assert "4\xa0valeurs sont à corriger" in answer.text
    assert list(told(await post(clerk, **TYPED | {"capital": wrong["capital"]}))) == ["capital"]
    untick = {name: value for name, value in (TYPED | more).items() if name != "vat_on_debits"}
    await post(clerk, **untick)
    assert (await reseller.current()).vat_on_debits is False


async def test_a4_a_colour_that_reads_badly_is_refused_with_the_ground_and_the_nearest_shade(clerk, visitor):
    assert (await visitor.get("/marque/couleurs.css")).text == ""
    answer = await post(clerk, **TYPED | {"accent": "#e06aa0"})
    assert answer.status_code == 422
    assert (
        told(answer)["accent"]
        == "#e06aa0 se lit mal sur l’aplat rose\xa0: contraste 2,4, il faut 4,5. La plus proche\xa0: #9a486e."
    )
    assert (await face.face()).accent == ""
    assert (await post(clerk, **TYPED | {"accent": "#e06aa0", "nuance": "#9a486e"})).status_code == 303
    now = await face.face()
    css = await visitor.get(f"/marque/couleurs.css?v={now.css_version}")
    assert "--accent: #9a486e; --on-accent: #ffffff;" in css.text
    assert f"--accent: {now.accent_dark}; --on-accent: #0c1724;" in css.text
    assert "immutable" in css.headers["cache-control"]
    assert set(re.findall(r"--[\w-]+", css.text)) == {"--accent", "--on-accent"}, "these two only"
    for page in ("/entrer", "/nulle-part"):
        assert f"/marque/couleurs.css?v={now.css_version}" in (await visitor.get(page)).text
    await post(clerk, **TYPED | {"accent": "#14549C"})
    assert (await visitor.get("/marque/couleurs.css")).text == "", "the house's own colour needs no sheet"
    live = await post(clerk, f"{HOME}/couleur", accent="#ffff00")
    assert "se lit mal sur" in live.text
    for bad in ("red", "#fff}", "", "url(javascript:1)"):
        assert (await post(clerk, f"{HOME}/couleur", accent=bad)).status_code == 200


async def test_a4_two_first_changes_at_once_make_one_row(database):
    await reseller.current()
    await asyncio.gather(*(face.save({"service_hours": f"{hour} h"}, "essai") for hour in range(4)))
    assert await Branding.count() == 1
