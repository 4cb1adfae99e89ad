"""The first page: each thing that waits is there with its count, and is gone once it is done."""

import html
from datetime import UTC, date, datetime, timedelta

import pytest

from gateways.settings import SETTINGS
from jobs import home
from tables.billing import BillingRun
from tables.catalogue import CommitmentType, Offer, RateTable
from tables.changes import NetworkRequest
from tables.fleet import Discount, Line, LineItem, Sim, SimBatch
from tables.imports import ImportBatch
from tables.mail import Mail
from tables.orders import Order, OrderItem, PortingRequest
from tables.parties import Customer
from tables.usage import CdrFile, CdrReject
from tests.endpoints.conftest import _fresh, clerk, user  # noqa: F401

NOW = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)  # the 25th in Paris
TODAY = date(2026, 11, 25)


@pytest.fixture(autouse=True)
def _today(monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", NOW)


async def line(customer, msisdn, price, **values):
    table = RateTable(code=msisdn[-9:])
    await table.save()
    row = Line(msisdn=msisdn, customer=customer.id, rate_table=table.id, **{"activated_on": date(2026, 1, 1)} | values)
    await row.save()
    offer = Offer(kind="OFFER", code=msisdn[-9:], label="Solo", valid_from=date(2026, 1, 1))
    await offer.save()
    item = LineItem(line=row.id, kind="OFFER", offer=offer.id, monthly_price=price, starts_on=row.activated_on)
    await item.save()
    return item


async def someone():
    customer = Customer(customer_number="C1", login="C1", company_name="Essai")
    await customer.save()
    return customer


async def told():
    day = await home.day(NOW)
    return {task.title: (task.count, task.flat) for task in day.tasks}


async def test_an_empty_house_has_the_good_news(clerk):  # noqa: F811
    page = html.unescape((await clerk.get("/")).text).replace("\xa0", " ").replace("’", "'")
    assert "Bonjour Camille" in page and "Mercredi 25 novembre 2026." in page
    assert "Rien à faire aujourd'hui. Prochaine échéance : facturation de novembre 2026, le 1er décembre 2026." in page


async def test_what_waits_is_counted_and_leads_to_its_page(clerk):  # noqa: F811
    customer = await someone()
    order = Order(customer=customer.id, state="draft", created_at=NOW)
    await order.save()
    item = OrderItem(customer_order=order.id, position=1)
    await item.save()
    for days, number in ((1, "+33639980001"), (2, "+33639980002")):
        day = TODAY + timedelta(days=days)
        await PortingRequest(item=item.id, msisdn=number, porting_date=day, state="eligible", created_at=NOW).save()
    for state, seen in (("refused", False), ("refused", True), ("in_doubt", False), ("queued", False), ("done", False)):
        await NetworkRequest(kind="RENAME", state=state, seen=seen, requested_at=NOW, next_at=NOW).save()
    await Mail(kind="reminder_1", state="in_doubt", recipient="a@x.example", message_id="<a@b>").save()
    batches = ("refused", 0, 1), ("imported", 3, 1), ("imported", 0, 1), ("refused", 0, 9), ("previewed", 0, 1)
    for state, rejected, days in batches:
        await ImportBatch(kind="sims", state=state, rejected=rejected, created_at=NOW - timedelta(days=days)).save()
    file = CdrFile(name="a", sha256="a", state="loaded", created_at=NOW - timedelta(days=5))
    await file.save()
    await CdrReject(file=file.id, line_number=2, cause="UNKNOWN_LINE", raw_text="").save()
    await SimBatch(name="LOT-1", alert_threshold=2).save()
    await Sim(iccid="8933099999000000017", batch="LOT-1", state="in_stock").save()
    bound = CommitmentType(code="12M", label="12 mois", months=12)
    await bound.save()
    for rank, start in enumerate((date(2025, 12, 1), date(2025, 11, 20), date(2026, 6, 1))):  # ends on 30 Nov, on 19 Nov, in May
        await line(customer, f"+3363998001{rank}", "10", commitment_type=bound.id, commitment_start=start)

    expected = {
        "Voir ce que le réseau a refusé": (1, "bad"),
        "Trancher les demandes restées sans réponse": (1, "bad"),
        "Vérifier des messages peut-être partis": (1, "bad"),
        "Corriger les imports en erreur": (2, "bad"),
        "Regarder l'arrivée des CDR": (1, "bad"),
        "Confirmer les portabilités de demain": (1, "wait"),
        "Valider les commandes en brouillon": (1, "wait"),
        "Traiter les demandes au réseau": (1, "wait"),
        "Confirmer les imports relus": (1, "wait"),
        "Corriger ou écarter les CDR rejetés": (1, "wait"),
        "Commander des cartes SIM": (1, "wait"),
        "Appeler avant la fin d'engagement": (1, "info"),
    }
    assert await told() == expected
    page = html.unescape((await clerk.get("/")).text).replace("’", "'")
    assert all(title in page for title in expected) and 'href="/reseau?etat=refused"' in page

    await NetworkRequest.update({NetworkRequest.seen: True}).where(NetworkRequest.state == "refused")
    await Order.update({Order.state: "cancelled"}).where(Order.id == order.id)
    assert {"Voir ce que le réseau a refusé", "Valider les commandes en brouillon"}.isdisjoint(await told())


async def test_the_month_s_figures_are_exact_and_its_run_is_told(clerk):  # noqa: F811
    customer = await someone()
    item = await line(customer, "+33639980001", "16.6583")
    await Discount(item=item.id, percent="10").save()
    await line(customer, "+33639980002", "0.0017", activated_on=date(2026, 11, 2))
    await line(customer, "+33639980003", "99", state="terminated", terminated_on=date(2026, 11, 10))
    for month, state, cents in (("2026-09", "sent", 900_000), ("2026-10", "controlled", 1_234_567)):
        totals = f'{{"incl_vat_cents": {cents}, "invoices": 3, "credit_notes": 1}}'
        await BillingRun(month=month, state=state, totals=totals, created_at=NOW).save()
    figures = await home.figures(NOW)
    # 16,6583 + 0,0017 = 16,66 € exactly; the terminated line no longer counts
    assert (figures.lines, figures.opened, figures.closed, figures.recurring_cents) == (2, 1, 1, 1_666)
    assert [(row["month"], row["draft"]) for row in figures.months] == [("2026-09", False), ("2026-10", True)]
    assert (await told())["Valider la facturation d'octobre 2026"] == (4, "wait")
    page = html.unescape((await clerk.get("/")).text).replace("\u202f", " ").replace("\xa0", " ")
    assert "12 345,67 €" in page and 'class="b2"' in page and "16,66 €" in page
    assert "Octobre 2026 est contrôlé et attend d’être validé." in page
