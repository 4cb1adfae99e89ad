"""Credit notes by hand and invoices made again, through the clerk's pages, on both engines."""

import asyncio
import hashlib
import io
import json
import re
from datetime import datetime
from decimal import Decimal

import month_samples
import pytest
from billed_month import NOVEMBER, draft, load, seal
from facturx import get_xml_from_pdf
from pypdf import PdfReader

from gateways import einvoice as rules_of
from gateways import rating
from gateways.einvoice import NotConformant
from gateways.settings import SETTINGS
from jobs import invoices
from jobs.billing import paper, send
from jobs.billing.inputs import read
from jobs.cdrs import load_files
from jobs.invoices import SeenBefore, crediting, reinvoicing
from rules.crediting import CreditTooHigh, NothingToCredit
from rules.money import cents
from rules.reinvoicing import Correction
from tables.engine import on_sqlite
from tables.fleet import LineItem
from tables.invoices import Invoice, InvoiceLine, NumberSeries, SealedDocument
from tables.mail import Mail
from tables.parties import Customer
from tests.scenarios.test_charges import words
from tests.scenarios.test_months import usage_billed


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return month_samples.make(tmp_path_factory.mktemp("credits") / "small", customers=4, lines=6, cdrs=160)


@pytest.fixture
async def issued(database, data_dir, source, monkeypatch):
    """October sealed, its papers made in this process; the number of the invoice with most usage lines."""

    async def here(verb, *arguments):
        assert verb == "seal"
        await paper.seal(*arguments)

    monkeypatch.setattr(invoices.worker, "ask", here)
    await load(source, monkeypatch)
    await seal(await draft())
    line = InvoiceLine
    rows = await line.select(line.invoice.number).where(line.section == "USAGE", line.invoice.kind == "INVOICE")
    numbers = [row["invoice.number"] for row in rows]
    return max(sorted(set(numbers)), key=numbers.count)


async def give(number, wanted=None, reason="Erreur de tarif"):
    left = (await invoices.get(number)).left_cents
    made = await crediting.make(number, wanted, reason, left, actor="essai", now=SETTINGS.now())
    await invoices.seal(made)
    return made


async def row_of(number):
    return await Invoice.select().where(Invoice.number == number).first()


async def text_of(number):
    name = await SealedDocument.select(SealedDocument.path).where(SealedDocument.name == f"{number}.pdf").first()
    pages = PdfReader(io.BytesIO((SETTINGS.data_dir / name["path"]).read_bytes())).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


async def submit(clerk, path, **form):
    return await clerk.post(path, data={"_csrf_token": await clerk.csrf("/facturation?mois=2026-10"), **form})


async def test_part_of_an_invoice_then_the_rest_is_credited_from_its_page(issued, clerk, program, monkeypatch):
    before = await row_of(issued)
    document = json.loads(before["document"])
    rank, line = next((rank, one) for rank, one in enumerate(document["lines"], 1) if one["amount_cents"] > 200)
    page = words(await clerk.get(f"/factures/{issued}"))
    assert "Elle ne change plus : un avoir la corrige." in page and "Faire un avoir" in page
    amount = {f"ligne-{rank}": "1,01", "motif": "Tarif mal lu"}
    shown = words(await submit(clerk, f"/factures/{issued}/avoir", geste="lignes", **amount))
    assert "Rien n'est encore émis" in shown.replace("’", "'") and "Prochain avoir" in shown and "Tarif mal lu" in shown
    assert (await Invoice.count().where(Invoice.origin == "MANUAL"), await NumberSeries.count()) == (
        0,
        await NumberSeries.count(),
    )
    seen = {"vu": f"{before['incl_vat_cents'] / 100:.2f}"}
    answer = await submit(clerk, f"/factures/{issued}/avoir/emettre", **amount, **seen)
    assert answer.status_code == 303
    first = answer.headers["location"].rpartition("/")[2]
    note = await row_of(first)
    said = json.loads(note["document"])
    assert (note["origin"], note["kind"], note["corrects"], note["corrects_on"], note["run"]) == (
        "MANUAL", "CREDIT_NOTE", issued, before["issued_on"], None,
    )  # fmt: skip
    assert (note["excl_vat_cents"], note["vat_cents"], said["corrects"]["number"]) == (-101, -20, issued)  # 1.01 × 20 % = 0.202
    assert said["lines"][0]["label"] == line["label"] and said["lines"][0]["amount_cents"] == -101

    again = await submit(clerk, f"/factures/{issued}/avoir/emettre", **amount, **seen)  # pressed twice
    assert again.status_code == 409 and "Un avoir a été fait entre-temps" in words(again)
    second = await give(issued)
    assert int(second[-6:]) == int(first[-6:]) + 1
    rest = await row_of(second)
    for name in ("excl_vat_cents", "vat_cents", "incl_vat_cents"):
        assert before[name] + note[name] + rest[name] == 0
    line_ = InvoiceLine
    sums = {}
    for one in await line_.select(line_.label, line_.usage_month, line_.line, line_.amount_cents).where(
        line_.invoice.is_in([before["id"], note["id"], rest["id"]])
    ):
        key = one["label"], one["usage_month"], one["line"]
        sums[key] = sums.get(key, 0) + one["amount_cents"]
    assert set(sums.values()) == {0}
    with pytest.raises(NothingToCredit):
        await give(issued)
    with pytest.raises(crediting.NotCreditable):
        await give(first)
    page = words(await clerk.get(f"/factures/{issued}"))
    assert "créditée en entier" in page and first in page and second in page and "Refaire cette facture" in page

    for number in (first, second):
        pdf, xml = [(await program.get(f"/api/invoices/{number}.{kind}")) for kind in ("pdf", "xml")]
        assert (pdf.status_code, xml.status_code, get_xml_from_pdf(pdf.content)[1]) == (200, 200, xml.content)
        assert issued.encode() in xml.content and b">381<" in xml.content
        rules_of.check_form(xml.content)
        rules_of.check_rules(xml.content)
        sealed = await SealedDocument.select().where(SealedDocument.name == f"{number}.pdf").first()
        assert sealed["sha256"] == hashlib.sha256(pdf.content).hexdigest()
    assert (
        await program.get(f"/api/invoices/{second}-detail.pdf")
    ).status_code == 404  # only a whole invoice has its calls again
    told = await text_of(first)
    assert f"Cet avoir corrige la facture {issued}" in told and "Motif : Tarif mal lu." in told.replace("\u00a0", " ")

    monkeypatch.setattr(SETTINGS, "smtp_url", "")
    for _ in range(2):
        assert (await submit(clerk, f"/factures/{first}/envoyer")).status_code == 303
    (mail,) = await Mail.select().where(Mail.invoice == note["id"])
    assert first in mail["subject"] and "Avoir" in mail["subject"]
    assert (await send.plan(None, note["id"])).written == 1
    assert (await clerk.get(f"/factures/{first}")).status_code == 200
    assert (await clerk.get("/factures/F2026-999999")).status_code == 404


async def test_what_is_refused_is_told_on_the_form_and_takes_no_number(issued, clerk, monkeypatch):
    series = await NumberSeries.select().order_by(NumberSeries.id)
    first = (await invoices.get(issued)).document["lines"][0]["amount_cents"]
    for form, sentence in (
        ({"geste": "tout", "motif": " "}, "Dites pourquoi"),
        ({"geste": "lignes", "motif": "x"}, "Cet avoir ne rendrait rien"),
        ({"geste": "lignes", "motif": "x", "ligne-1": f"{(first + 1) / 100:.2f}"}, "Ligne 1 : il reste"),
        ({"geste": "lignes", "motif": "x", "ligne-1": "-1"}, "est trop"),
        ({"geste": "lignes", "motif": "x", "ligne-1": "=1+1"}, "n'est pas un nombre"),
        ({"geste": "lignes", "motif": "x", "ligne-9999": "1"}, "Ligne 9999 : il reste 0,00"),
    ):
        shown = await submit(clerk, f"/factures/{issued}/avoir", **form)
        assert shown.status_code == 200 and sentence in words(shown).replace("’", "'"), form
    with monkeypatch.context() as broken:  # an e-invoice that its rules refuse
        broken.setattr("jobs.billing.conform.einvoice.mode", lambda document: "X1")
        with pytest.raises(NotConformant, match="BR-FR-08"):
            await give(issued)
    row = await row_of(issued)  # a refund of the next run names this invoice: the two together never pass it
    refund = {"kind": "CREDIT_NOTE", "origin": "RUN", "state": "validated", "number": "A2026-900000", "incl_vat_cents": -100}
    await Invoice(**refund, customer=row["customer"], corrects=issued, document=json.dumps({"lines": [], "vat": []})).save()
    assert (await invoices.get(issued)).left_cents == row["incl_vat_cents"] - 100
    with pytest.raises(CreditTooHigh, match="TTC à créditer sur cette facture"):
        await give(issued)
    assert await NumberSeries.select().order_by(NumberSeries.id) == series
    assert not await Invoice.exists().where(Invoice.origin == "MANUAL")


async def test_of_two_full_credits_at_once_one_is_made_and_two_without_what_guards_them(issued, monkeypatch):
    """The control. PostgreSQL: the row is not held, and both read what is left before either writes. SQLite, whose
    transactions stand alone: the transaction believes what was read before it."""
    results = await asyncio.gather(give(issued), give(issued), return_exceptions=True)
    refused = [one for one in results if isinstance(one, Exception)]
    assert len(refused) == 1 and isinstance(refused[0], (NothingToCredit, SeenBefore)), results
    assert await Invoice.count().where(Invoice.origin == "MANUAL") == 1
    assert (await invoices.get(issued)).left_cents == 0

    other = Invoice.number != issued, Invoice.kind == "INVOICE", Invoice.incl_vat_cents > 0
    number = (await Invoice.select(Invoice.number).where(*other).first())["number"]
    seen, both, get, preview = await invoices.get(number), asyncio.Barrier(2), invoices.get, crediting.preview

    async def not_held(invoice_id):
        """Nobody waits."""

    async def read_together(wanted):
        await both.wait()
        found = await get(wanted)
        await both.wait()
        return found

    async def as_seen(wanted):
        return seen if wanted == number else await get(wanted)

    async def looked_at_together(*values):
        found = await preview(*values)
        await both.wait()
        return found

    guards = {"preview": looked_at_together, "get": as_seen} if on_sqlite() else {"hold": not_held, "get": read_together}
    for name, away in guards.items():
        monkeypatch.setattr(crediting, name, away)
    made = await asyncio.gather(give(number), give(number))
    assert len(set(made)) == 2
    assert (await get(number)).left_cents == -seen.left_cents  # given back twice


async def lawful(month):
    """Cents by the law for a month's usage as it is stored now."""
    inputs, found = await read(month), {}
    for row in rating.rate(inputs.usage).usage:
        number = inputs.lines[row.line]["msisdn"]
        found[number, row.type, row.category, ""] = cents(row.amount_micro)
        found[number, row.type, row.category, "S"] = cents(row.service_micro)
    return {key: amount for key, amount in found.items() if amount}


async def test_a_credited_usage_line_is_counted_when_late_calls_come(issued, source, monkeypatch):
    """« Cents by the law of the enlarged month − cents billed for it so far »: what was given back counts as not billed."""
    document = (await invoices.get(issued)).document
    rank, line = next((rank, one) for rank, one in enumerate(document["lines"], 1) if one["section"] == "USAGE")
    await give(issued, {rank: line["amount_cents"]}, "Appels contestés")
    credited = await InvoiceLine.select().where(InvoiceLine.invoice.origin == "MANUAL").first()
    of_invoice = InvoiceLine.invoice.number == issued, InvoiceLine.position == rank
    original = await InvoiceLine.select().where(*of_invoice).first()
    kept = ("line", "type", "category", "part", "usage_month", "section", "item", "charge")
    assert {name: credited[name] for name in kept} == {name: original[name] for name in kept}
    monkeypatch.setattr(SETTINGS, "clock", datetime.fromisoformat(month_samples.CLOCKS["2026-11"]))
    calls = next(path for path in sorted((source / "BilledCDRs/MOBILE").iterdir()) if "_202610" in path.name)
    header, first = calls.read_text(encoding="utf-8-sig").splitlines()[:2]
    await late_call(line["msisdn"], header, first)
    november = await draft(NOVEMBER)
    await seal(november)
    regularised = await InvoiceLine.select().where(InvoiceLine.section == "REGULARISATION", InvoiceLine.line == original["line"])
    assert line["amount_cents"] in {row["amount_cents"] for row in regularised}  # what was given back is due by the law
    october = {key: amount for key, amount in (await lawful(NOVEMBER.previous)).items() if key[0] == line["msisdn"]}
    assert {key: amount for key, amount in (await usage_billed("2026-10")).items() if key[0] == line["msisdn"]} == october


async def late_call(msisdn, header, row):
    """One more call of October for a line, in a file that comes in November."""
    names, cells = header.split(";"), row.split(";")
    told = dict(zip(names, cells, strict=True)) | {"cdr_id": "TARDIF-1", "msisdn": msisdn}
    path = SETTINGS.data_dir / "tardif.csv"
    path.write_text(header + "\n" + ";".join(told[name] for name in names) + "\n", encoding="utf-8")
    assert (await load_files([(path, "tardif.csv")], now=SETTINGS.now()))[0].created == 1


async def test_an_invoice_credited_whole_is_made_again_corrected_under_todays_sheet(issued, clerk, program, monkeypatch):
    before = await row_of(issued)
    with pytest.raises(reinvoicing.NotReplaceable, match="créditez-la d'abord en entier"):
        await reinvoicing.start(issued, "x", actor="essai", now=SETTINGS.now())
    note = await give(issued, reason="Mauvaise adresse")
    assert (await program.get(f"/api/invoices/{note}-detail.pdf")).status_code == (
        await program.get(f"/api/invoices/{issued}-detail.pdf")
    ).status_code
    counted = await LineItem.select(LineItem.id, LineItem.billed_until).order_by(LineItem.id)
    customer = before["customer"]
    moved = {Customer.vat_regime: "DROM_85", Customer.billing_street: "8 rue Neuve", Customer.billing_city: "Fort-de-France"}
    await Customer.update(moved | {Customer.billing_postcode: "97200"}).where(Customer.id == customer)
    started = await asyncio.gather(
        *(reinvoicing.start(issued, "Adresse", actor="essai", now=SETTINGS.now()) for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in started) == ["NotReplaceable", "int"]
    draft_id = next(one for one in started if isinstance(one, int))
    place = f"/factures/brouillon/{draft_id}"
    page = words(await clerk.get(place))
    assert "8 rue Neuve" in page and "20 % → 8,5 %" in page and "rien n'est émis" in page.replace("’", "'")
    row, _ = await reinvoicing.draft(draft_id)
    lines = row["document"]["lines"]
    assert {line["vat_rate"] for line in lines} == {"8.5"}
    first, last = lines[0], lines[-1]
    form = {f"libelle-{first['replaces_line']}": "Corrigé", f"quantite-{first['replaces_line']}": "2",
            f"montant-{first['replaces_line']}": f"{first['amount_cents'] / 100:.2f}"}  # fmt: skip
    assert len(lines) > 1
    gone = {f"libelle-{last['replaces_line']}": last["label"], f"quantite-{last['replaces_line']}": "0",
            f"montant-{last['replaces_line']}": f"{last['amount_cents'] / 100:.2f}"}  # fmt: skip
    wrong = words(await submit(clerk, place, **form | {f"quantite-{first['replaces_line']}": "deux"}))
    assert "n'est pas un nombre entier" in wrong.replace("’", "'")
    assert (await submit(clerk, place, **form | gone)).status_code == 303
    row, _ = await reinvoicing.draft(draft_id)
    assert row["document"]["lines"][0]["amount_cents"] == 2 * first["amount_cents"]
    assert len(row["document"]["lines"]) == len(lines) - 1
    with monkeypatch.context() as meanwhile:  # someone else corrects it while its e-invoice is checked

        async def rename(name):
            await Customer.update({Customer.company_name: name}).where(Customer.id == customer)
            await reinvoicing.correct(draft_id, {}, actor="autre", now=SETTINGS.now())

        loop = asyncio.get_running_loop()

        def renamed(document):
            asyncio.run_coroutine_threadsafe(rename("Nom final"), loop).result(20)

        await rename("Nom provisoire")
        row, _ = await reinvoicing.draft(draft_id)
        meanwhile.setattr(reinvoicing, "check", renamed)
        with pytest.raises(SeenBefore, match="corrigé ailleurs"):
            await reinvoicing.validate(draft_id, {}, row["incl_vat_cents"], actor="essai", now=SETTINGS.now())
    stale = await submit(clerk, f"{place}/valider", vu=f"{before['incl_vat_cents'] / 100:.2f}")
    assert stale.status_code == 200 and "Regardez-le, puis validez" in words(stale)
    answer = await submit(clerk, f"{place}/valider", vu=f"{row['incl_vat_cents'] / 100:.2f}")
    assert answer.status_code == 303
    number = answer.headers["location"].rpartition("/")[2]
    made = await row_of(number)
    assert (made["origin"], made["kind"], made["corrects"], made["excl_vat_cents"]) == (
        "REINVOICE", "INVOICE", issued, before["excl_vat_cents"] + first["amount_cents"] - last["amount_cents"],
    )  # fmt: skip
    assert made["vat_cents"] == round(Decimal(made["excl_vat_cents"]) * Decimal("0.085"))
    assert await LineItem.select(LineItem.id, LineItem.billed_until).order_by(LineItem.id) == counted
    xml = (await program.get(f"/api/invoices/{number}.xml")).content
    rules_of.check_rules(xml)
    assert b">380<" in xml and b"Fort-de-France" in xml
    told = await text_of(number)
    assert "8 rue Neuve" in told and f"Remplace {issued}" in told
    shown = words(await clerk.get(f"/factures/{issued}"))
    assert f"la facture {number} la remplace" in shown
    assert (await clerk.get(place)).status_code == 404
    with pytest.raises(reinvoicing.NotReplaceable, match="déjà refaite"):
        await reinvoicing.start(issued, "x", actor="essai", now=SETTINGS.now())

    await give(number)  # what was made again may be wrong again
    second = await reinvoicing.start(number, "Encore", actor="essai", now=SETTINGS.now())
    with pytest.raises(reinvoicing.NothingLeft):
        await reinvoicing.correct(second, {line["replaces_line"]: Correction("x", 0, 0) for line in
                                           (await reinvoicing.draft(second))[0]["document"]["lines"]},
                                  actor="essai", now=SETTINGS.now())  # fmt: skip
    assert (await submit(clerk, f"/factures/brouillon/{second}/abandonner")).headers["location"] == f"/factures/{number}"
    assert not await Invoice.exists().where(Invoice.id == second)
    assert await reinvoicing.start(number, "Encore", actor="essai", now=SETTINGS.now()) != second
