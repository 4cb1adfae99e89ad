"""What is owed beside subscriptions, from the clerk's page to the sealed invoice, month after month."""

import json
import re
from datetime import date, datetime
from decimal import Decimal

import month_samples
import pytest
from billed_month import NOVEMBER, OCTOBER, draft, load, seal, seal_again
from month_samples import work

from gateways.settings import SETTINGS
from jobs import charges
from jobs.billing import runs, telling
from jobs.lawful import NotLawful
from tables.charges import Charge
from tables.fleet import Line
from tables.invoices import Invoice, InvoiceLine
from tables.parties import Customer, Reseller
from tables.timeline import TimelineEntry


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return month_samples.make(tmp_path_factory.mktemp("charges") / "small", customers=3, lines=6, cdrs=30)


@pytest.fixture
async def loaded(database, data_dir, source, monkeypatch):
    await load(source, monkeypatch)
    await Reseller.update({Reseller.einvoice_sample: 100}, force=True)


async def owes(customer, label, price="10", **more):
    row = Charge(
        customer=customer, label=label, unit_price=Decimal(price), kind="ONE_OFF", vat_rate=Decimal(20), actor="essai",
        starts_on=date(2026, 10, 20),
    )  # fmt: skip
    for name, value in more.items():
        setattr(row, name, value)
    await row.save()
    return row.id


async def a_customer(number, **more):
    values = {"city": "Lille", "postcode": "59000", "street": "1 rue du Trait", "siren": "732829320", "login": number} | more
    values |= {"einvoice_address": "0225:732829320", "company_name": f"Client {number}", "customer_number": number}
    return (await Customer.insert(Customer(**values)).returning(Customer.id))[0]["id"]


async def billed(run, label):
    """Section, amount, quantity, rate, days of the lines that a run bills under a label."""
    line = InvoiceLine
    columns = (line.section, line.amount_cents, line.quantity, line.vat_rate, line.first_day, line.last_day)
    rows = await line.select(*columns).where(line.invoice.run == run, line.label.like(f"{label}%")).order_by(line.id)
    return [(row["section"], row["amount_cents"], row["quantity"], float(row["vat_rate"])) for row in rows]


async def test_charges_of_every_kind_are_billed_month_after_month(loaded, monkeypatch):
    line = (
        await Line.select(Line.id, Line.customer).where(Line.terminated_on.is_null(), Line.activated_on < OCTOBER.first).first()
    )
    own = line["customer"]
    await Customer.update({Customer.discount_percent: Decimal(10), Customer.vat_regime: ""}).where(Customer.id == own)
    alone, overseas, misread = await a_customer("Z1"), await a_customer("Z2", vat_regime="DROM_85"), await a_customer("Z3")
    service = {"kind": "RECURRING", "terms": "ARREARS", "starts_on": date(2026, 10, 11)}
    phone = {"kind": "INSTALMENTS", "nature": "EQUIPMENT", "instalments": 24, "terms": "ARREARS", "line": line["id"]}
    ids = {
        "Astreinte": await owes(own, "Astreinte", "3.333333", quantity=3, **service),
        "Prêt": await owes(own, "Prêt", "9.90", nature="EQUIPMENT", **service | {"terms": "ADVANCE"}),
        "Téléphone": await owes(own, "Téléphone", "20.004", **phone),
        "Coque": await owes(alone, "Coque", "19.995", quantity=3, nature="EQUIPMENT"),
        "Frais": await owes(overseas, "Frais", "50"),
        "Illisible": await owes(misread, "Illisible", kind="?"),
        "Plus tard": await owes(own, "Plus tard", starts_on=date(2026, 11, 1)),
    }
    geste = await owes(own, "Geste", "-5", starts_on=date(2026, 9, 2))  # a month before: in the first run after it

    dry = await telling.dry_run(OCTOBER)
    run = await draft()
    told = await telling.describe(run)
    assert (dry["totals"], dry["parked"]) == (told["totals"], told["parked"])
    same = lambda found: [{**one, "id": None} for one in found]  # noqa: E731
    assert same(dry["invoices"]) == same((await telling.invoices(run, 100, 0))[0])
    assert [row["customer_number"] for row in told["parked"]] == ["Z3"]
    assert await billed(run, "Astreinte") == [("RECURRING", 677, 3, 20.0)]  # 9.999999 × 21/31
    assert await billed(run, "Remise client de 10\u202f%, Astreinte") == [("DISCOUNT", -68, 1, 20.0)]
    assert await billed(run, "Prêt") == [("RECURRING", 671, 1, 20.0), ("RECURRING", 990, 1, 20.0)]  # 9.90 × 21/31, then November
    assert await billed(run, "Téléphone, mensualité 1 sur 24") == [("RECURRING", 2000, 1, 20.0)]
    assert await billed(run, "Coque") == [("ONE_OFF", 5999, 3, 20.0)]  # 59.985
    assert await billed(run, "Frais") == [("ONE_OFF", 5000, 1, 8.5)]
    assert await billed(run, "Geste") == [("ONE_OFF", -500, 1, 20.0)]
    assert await billed(run, "Plus tard") == []
    untouched = {"billed_until": None, "invoiced": False}
    assert [row for row in await Charge.select(Charge.billed_until, Charge.invoiced) if row != untouched] == []
    await runs.begin(run, "draft", "essai", work)  # « refaire » before validation counts the same
    assert await billed(run, "Coque") == [("ONE_OFF", 5999, 3, 20.0)]

    await seal(run)
    kept = {row["label"]: row for row in await Charge.select()}
    assert {name: kept[name]["billed_until"] for name in ("Astreinte", "Prêt", "Téléphone", "Frais")} == {
        "Astreinte": date(2026, 10, 31), "Prêt": date(2026, 11, 30), "Téléphone": date(2026, 10, 31), "Frais": None,
    }  # fmt: skip
    assert {name for name in kept if kept[name]["invoiced"]} == {"Coque", "Frais", "Geste"}
    one = await Invoice.select(Invoice.number, Invoice.document).where(Invoice.customer == alone).first()
    document = json.loads(one["document"])
    assert (document["nature"], document["lines"][0]["nature"], document["lines"][0]["msisdn"]) == (
        "livraisons de biens",
        "goods",
        "",
    )
    natures = {}
    for row in await Invoice.select(Invoice.document).where(Invoice.customer == own, Invoice.run == run):
        natures |= {one["label"].partition(",")[0]: one.get("nature") for one in json.loads(row["document"])["lines"]}
    assert (natures["Téléphone"], natures["Prêt"], natures["Astreinte"]) == ("goods", None, None)  # what is rented is a service
    xml = (SETTINGS.data_dir / f"documents/2026-10/{one['number']}.xml").read_text()
    assert ">B1<" in xml and ">59.99<" in xml and ">19.995<" not in xml  # 3 × 19.995 is not 59.99: one piece

    late = await owes(alone, "Oublié", "7")
    await Charge.update({Charge.kind: "ONE_OFF"}).where(Charge.id == ids["Illisible"])
    await seal_again(run)  # October again: only who had no document of it
    assert await billed(run, "Oublié") == []
    assert len(await billed(run, "Illisible")) == 1
    await Line.update({Line.terminated_on: date(2026, 11, 20)}).where(Line.id == line["id"])
    await charges.end((await Customer.select().where(Customer.id == own).first())["customer_number"], ids["Prêt"],
                      date(2026, 11, 10), actor="essai", now=SETTINGS.now())  # fmt: skip
    monkeypatch.setattr(SETTINGS, "clock", datetime.fromisoformat(month_samples.CLOCKS["2026-11"]))
    november = await draft(NOVEMBER)
    await seal(november)
    assert await billed(november, "Oublié") == [("ONE_OFF", 700, 1, 20.0)]
    assert await billed(november, "Plus tard") == [("ONE_OFF", 1000, 1, 20.0)]
    assert await billed(november, "Prêt") == [("REFUND", -660, 1, 20.0)]  # 9.90 × 20/30
    assert await billed(november, "Téléphone, mensualité 2 sur 24") == [("RECURRING", 2000, 1, 20.0)]
    assert await billed(november, "Téléphone, solde de 22 mensualités") == [("RECURRING", 44_000, 22, 20.0)]
    assert [await billed(november, label) for label in ("Coque", "Geste", "Frais")] == [[], [], []]
    assert (await Charge.select().where(Charge.id == ids["Prêt"]).first())["billed_until"] == date(2026, 11, 10)
    december = await draft(NOVEMBER.next)
    assert await billed(december, "Téléphone") == [] and await billed(december, "Prêt") == []
    assert {geste, late} <= {row["id"] for row in await Charge.select(Charge.id).where(Charge.invoiced.eq(True))}


async def test_of_two_months_drafted_together_the_second_puts_away_what_the_first_has_billed(loaded, monkeypatch):
    """A charge that comes once stands in both drafts; the items do too."""
    alone = await a_customer("Z1")
    await owes(alone, "Coque")
    october, november = await draft(), await draft(NOVEMBER)
    await seal(october)
    before = await Invoice.count().where(Invoice.run == november)
    assert await billed(november, "Coque") == [("ONE_OFF", 1000, 1, 20.0)]
    await month_samples.waive_all(november)
    await runs.begin(november, "validate", "essai", work)
    told = await telling.describe(november)
    reasons = {row["customer_number"]: row["reason"] for row in told["parked"]}
    assert reasons["Z1"] == "« Coque » a été facturé par un autre document. Refaites les brouillons."
    assert len(reasons) == before and await Invoice.count().where(Invoice.run == november) == 0
    await runs.begin(november, "draft", "essai", work)
    assert await billed(november, "Coque") == []
    line = InvoiceLine
    twice = await line.select(line.item, line.first_day).where(line.section == "RECURRING", line.item.is_not_null())
    assert len({tuple(row.values()) for row in twice}) == len(twice)


async def submit(clerk, path, **form):
    return await clerk.post(path, data={"_csrf_token": await clerk.csrf("/clients/Z1/frais"), **form})


def words(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.text)).replace("\u202f", " ").replace("\u00a0", " ")


FORM = {
    "act": "frais", "label": "Déplacement", "nature": "SERVICE", "quantity": "2", "unit_price": "45,50", "vat_rate": "20",
    "starts_on": "2026-11-02", "reason": "Intervention du 2 novembre", "once": "un-jeton",
}  # fmt: skip
PAGE = "/clients/Z1/frais"


async def test_a_clerk_adds_ends_and_removes_on_the_customers_page(loaded, clerk):
    customer = await a_customer("Z1")
    assert "Rien à facturer à ce client" in words(await clerk.get(PAGE))
    assert (await clerk.get("/clients/personne/frais")).status_code == 404
    wrong = await submit(clerk, PAGE, **FORM | {"vat_rate": "19", "quantity": "0", "reason": " ", "label": "=1+1" * 50})
    assert "4 valeurs sont à corriger" in words(wrong) and "n'est pas un taux de TVA admis" in words(wrong).replace("’", "'")
    assert await Charge.count() == 0
    for _ in range(2):  # pressed twice
        assert (await submit(clerk, PAGE, **FORM)).status_code == 303
    assert (await submit(clerk, PAGE, **FORM | {"act": "geste", "label": "Excuses", "once": "autre"})).status_code == 303
    rows = {row["label"]: row for row in await Charge.select()}
    assert {name: float(row["unit_price"]) for name, row in rows.items()} == {"Déplacement": 45.5, "Excuses": -45.5}
    told = words(await clerk.get(PAGE + "?fait=ajoute"))
    assert "Ajouté : Déplacement, 2 × 45,5 € HT" in told and "À facturer" in told and "2 × −45,5 €" in told

    phone = await owes(customer, "Téléphone", kind="INSTALMENTS", instalments=3)
    assert "commence le 20/10/2026" in words(await submit(clerk, f"{PAGE}/{phone}/terminer", ends_on="2026-10-01"))
    assert (await submit(clerk, f"{PAGE}/{phone}/terminer", ends_on="2026-11-30")).status_code == 303
    assert (await Charge.select().where(Charge.id == phone).first())["ends_on"] == date(2026, 11, 30)
    assert (await submit(clerk, f"{PAGE}/{rows['Excuses']['id']}/terminer", ends_on="2026-11-30")).status_code == 409
    assert (await submit(clerk, f"/clients/{(await other()) or 'x'}/frais/{phone}/retirer")).status_code == 404

    run = await draft(NOVEMBER)
    document = await Invoice.select(Invoice.id).where(Invoice.customer == customer, Invoice.run == run).first()
    assert document
    assert (await submit(clerk, f"{PAGE}/{rows['Déplacement']['id']}/retirer")).status_code == 303
    assert not await Invoice.exists().where(Invoice.id == document["id"])
    parked = {row["customer_number"]: row["reason"] for row in (await telling.describe(run))["parked"]}
    assert parked["Z1"] == "« Déplacement » a été retiré depuis. Refaites les brouillons."
    await runs.begin(run, "draft", "essai", work)
    await seal(run)
    assert await billed(run, "Déplacement") == []
    refused = await submit(clerk, f"{PAGE}/{rows['Excuses']['id']}/retirer")
    assert refused.status_code == 409 and "un avoir corrige la facture" in words(refused)
    number = (await Invoice.select(Invoice.number).where(Invoice.customer == customer).first())["number"]
    told = words(await clerk.get(PAGE))
    assert "Facturé" in told and f"{number}" in told and "3 mensualités sur 3 facturées" in told
    entry = TimelineEntry
    events = await entry.select(entry.event).where(entry.subject == "customer", entry.subject_id == customer).order_by(entry.id)
    assert [row["event"] for row in events] == ["charge_added", "charge_added", "charge_ended", "charge_removed"]


async def other():
    return (await Customer.select().where(Customer.customer_number != "Z1").first())["customer_number"]


async def test_a_price_is_never_rounded_for_the_clerk(database):
    await a_customer("Z1")
    with pytest.raises(NotLawful, match="6 au plus"):
        await charges.add("Z1", FORM | {"unit_price": "1,2345678"}, "", actor="essai", now=SETTINGS.now())
