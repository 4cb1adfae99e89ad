"""The fleet, a line and the swap of its card through their pages: what is shown before is what is done, once."""

import asyncio
import csv
import io
import re
from datetime import UTC, date, datetime
from html import unescape

import pytest
from import_samples import FILES

from gateways.settings import SETTINGS
from jobs.imports import import_file
from jobs.lines import answers
from rules.states import InvoiceState, LineState, OfferKind, RequestState, SimState
from tables.changes import LineChange, NetworkRequest
from tables.charges import Charge
from tables.engine import insert_many, on_sqlite, reserve_ids, transaction
from tables.fleet import Line, LineItem, Sim
from tables.invoices import Invoice, InvoiceLine
from tests.endpoints.visitor import Visitor

ONE, TWO = "+33639980001", "+33639980002"
HELD, FREE = "8933099999000000017", "8933099999000000033"
MORE = """06 39 98 00 03;C1;8933099999000000033;Inès Lesœur;SOLO;;STD;2026-01-15;;12;2026-01-15;ADVANCE;0;2026-10-31
06 39 98 00 04;C1;8933099999000000041;=1+1;SOLO;;STD;2026-01-15;;0;;ADVANCE;0;2026-10-31
"""


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(type(SETTINGS), "now", lambda _: datetime(2026, 11, 24, 12, tzinfo=UTC))


@pytest.fixture
async def lines(database):
    """Number → key: ONE (C1, 24 months), TWO (C2, ends on 30 November)."""
    return await load(FILES["lines"])


async def load(text):
    for kind, sample in FILES.items():
        options = {"code": "STD", "valid_from": date(2026, 9, 1)} if kind == "rates" else {}
        data = text if kind == "lines" else sample
        report = await import_file(kind, data.encode(), "f.csv", mode="all", now=SETTINGS.now(), **options)
        assert not report.errors, report.errors
    return {row["msisdn"]: row["id"] for row in await Line.select()}


async def submit(clerk, path, **form):
    return await clerk.post(path, data={"_csrf_token": await clerk.csrf("/cartes/lots"), **form})


def words(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text.replace("\u202f", " "))).replace("’", "'").replace(" .", ".")


def fields(answer, start='<form class="case"'):
    """The hidden fields of a form, as a browser sends them back."""
    form = re.search(rf"{start}.*?</form>", answer.text, re.S)[0]
    return {name: unescape(value) for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)}


async def confirm(clerk, effect, path="/parc/faire", **form):
    return await clerk.post(path, data=fields(effect) | form)


async def state_of(number):
    return (await Line.select(Line.state).where(Line.msisdn == number).first())["state"]


async def found(clerk, **asked):
    """The numbers that a search of the fleet shows."""
    answer = await clerk.get("/parc", params=asked)
    assert answer.status_code == 200
    return re.findall(r'href="/lignes/([^"]+)"', answer.text)


async def test_the_fleet_is_narrowed_by_what_its_lines_are(clerk, database):
    await load(FILES["lines"] + MORE)
    three, four = "+33639980003", "+33639980004"
    for asked, numbers in (
        ({}, [ONE, TWO, three, four]),
        ({"client": "C2"}, [TWO]),
        ({"client": "societe imag"}, [ONE, three, four]),
        ({"etat": "termination_scheduled"}, [TWO]),
        ({"utilisateur": "ines"}, [three]),
        ({"utilisateur": "LEA"}, [ONE]),
        ({"utilisateur": "Noé E"}, [TWO]),
        ({"utilisateur": "=1+1"}, [four]),
        ({"numero": "06 39 98 00 03"}, [three]),
        ({"numero": "0004"}, [four]),
        ({"lot": "LOT-1"}, [ONE, TWO, three, four]),
        ({"lot": "LOT-2"}, []),
        ({"international": "EU"}, [ONE, TWO, three, four]),
        ({"international": "NONE"}, []),
        ({"abonnement": "SOLO", "client": "C1"}, [ONE, three, four]),
        ({"abonnement": "OPT-SMS"}, []),
        ({"engagement": "2027-01-14"}, [three]),
        ({"engagement": "2027-01-13"}, []),
        ({"engagement": "2027-02-09"}, [ONE, three]),
    ):
        assert await found(clerk, **asked) == numbers, asked
    assert (await clerk.get("/parc", params={"engagement": "demain"})).status_code == 422


async def test_a_commitment_that_began_on_the_31st_is_over_when_its_shorter_month_ends(clerk, database):
    await load(FILES["lines"] + MORE.replace("12;2026-01-15", "12;2024-02-29"))
    assert await found(clerk, engagement="2025-02-27") == ["+33639980003"]
    assert await found(clerk, engagement="2025-02-26") == []


async def test_the_selection_is_written_as_a_file_that_no_spreadsheet_runs(clerk, database):
    keys = await load(FILES["lines"] + MORE)
    whole = await submit(clerk, "/parc/exporter")
    assert whole.headers["content-disposition"] == 'attachment; filename="parc-2026-11-24.csv"'
    rows = list(csv.DictReader(io.StringIO(whole.text.lstrip("\ufeff")), delimiter=";"))
    assert [row["msisdn"] for row in rows] == [f"'+3363998000{end}" for end in "1234"]
    assert rows[3]["user_name"] == "'=1+1"
    told = ("customer_number", "offer", "options", "monthly_price", "iccid", "state", "commitment_ends_on", "terminated_on")
    assert [rows[0][name] for name in told] == ["C1", "SOLO", "OPT-SMS+OPT-MAIL", "4.1583", HELD, "active", "2027-02-09", ""]
    assert rows[1]["terminated_on"] == "2026-11-30"
    ticked = await submit(clerk, "/parc/exporter", ligne=str(keys[TWO]), client="C1")
    assert [line.split(";")[0] for line in ticked.text.splitlines()[1:]] == [f"'{TWO}"]
    searched = await submit(clerk, "/parc/exporter", client="C2")
    assert len(searched.text.splitlines()) == 2


async def test_the_effect_is_shown_and_what_was_shown_is_done_once(clerk, lines):
    effect = await submit(clerk, "/parc/effet", acte="SUSPEND:OUT", ligne=[str(key) for key in lines.values()])
    assert "Restreindre les appels sortants : 1 ligne" in words(effect)
    assert "1 ligne reste en l'état" in words(effect)
    assert "annulez d'abord la résiliation" in words(effect)
    assert await state_of(ONE) == LineState.active
    for _ in range(2):
        done = await confirm(clerk, effect, motif="Facture impayée")
        assert "C'est fait pour 1 ligne." in words(done)
        assert "Active → Restreinte sortante" in words(done)
    assert await state_of(ONE) == LineState.suspended_out
    assert await LineChange.count() == await NetworkRequest.count() == 1
    assert [row["reason"] for row in await LineChange.select()] == ["Facture impayée"]
    again = await submit(clerk, "/parc/effet", acte="SUSPEND:OUT", toutes="1")
    assert "Aucune de ces lignes ne peut changer ainsi" in words(again)
    effect = await submit(clerk, "/parc/effet", acte="REACTIVATE", ligne=str(lines[ONE]))
    assert "Restreinte sortante → Active" in words(await confirm(clerk, effect))
    assert await state_of(ONE) == LineState.active


async def test_a_line_that_changed_since_it_was_shown_is_left_and_named(clerk, lines):
    effect = await submit(clerk, "/parc/effet", acte="SUSPEND:BOTH", ligne=str(lines[ONE]))
    await Line.update({Line.state: LineState.suspended_out}).where(Line.msisdn == ONE)
    answer = await confirm(clerk, effect)
    assert "Rien n'a changé. 1 ligne refusée" in words(answer)
    assert "vient de changer ailleurs" in words(answer)
    assert await LineChange.count() == 0
    retry = await clerk.post("/parc/effet", data=fields(answer, '<form method="post" action="/parc/effet"'))
    assert "Restreinte sortante → Restreinte entrante-sortante" in words(retry)
    assert "C'est fait pour 1 ligne." in words(await confirm(clerk, retry))


async def test_a_termination_says_its_fee_and_is_done_only_when_it_is_typed_out(clerk, lines):
    effect = await submit(clerk, "/parc/effet", acte="TERMINATE", ligne=str(lines[ONE]), le="2026-12-20")
    assert "8,32 € HT" not in words(effect)
    assert "4,16 € HT" in words(effect)  # the month begun on 10 January 2027 alone is left: 4.1583, once
    untyped = await confirm(clerk, effect, motif="Départ", cause="CUSTOMER", confirmation="oui")
    assert (untyped.status_code, await state_of(ONE)) == (422, LineState.active)
    unexplained = await confirm(clerk, effect, confirmation="RÉSILIER")
    assert (unexplained.status_code, await state_of(ONE)) == (422, LineState.active)
    done = await confirm(clerk, effect, motif="Départ", cause="CUSTOMER", confirmation="résilier")
    assert "C'est programmé pour 1 ligne, le 20 décembre 2026" in words(done)
    assert await state_of(ONE) == LineState.termination_scheduled
    assert await Charge.count() == 1
    page = await clerk.get(f"/lignes/{ONE}")
    assert "Dernier jour : le 20 décembre 2026, jusqu'à minuit." in words(page)
    await clerk.post(f"/lignes/{ONE}/annuler", data=fields(page, f'<form method="post" action="/lignes/.{ONE[1:]}/annuler"'))
    assert await state_of(ONE) == LineState.active
    assert await Charge.count() == 0


async def test_two_thousand_five_hundred_lines_are_restricted_at_once(clerk, lines):
    await many(2_500)
    effect = await submit(clerk, "/parc/effet", acte="SUSPEND:OUT", toutes="1", client="C1", numero="", utilisateur="Usager")
    assert "Restreindre les appels sortants : 2 500 lignes" in words(effect)
    done = await confirm(clerk, effect, motif="Impayé")
    assert "C'est fait pour 2 500 lignes." in words(done)
    assert await Line.count().where(Line.state == LineState.suspended_out) == 2_500
    assert await NetworkRequest.count() == 2_500


async def many(count):
    """So many lines of C1 beside, bare: a number, a user, an offer."""
    (one,) = await Line.select().where(Line.msisdn == ONE)
    item = await LineItem.select().where(LineItem.line == one["id"], LineItem.kind == OfferKind.offer).first()
    async with transaction():
        keys, held = list(await reserve_ids(Line, count)), list(await reserve_ids(LineItem, count))
        columns = [Line.id, Line.msisdn, Line.customer, Line.user_name, Line.state, Line.rate_table, Line.activated_on]
        rows = (
            [key, f"+3361000{rank:04}", one["customer"], f"Usager {rank}", "active", one["rate_table"], date(2026, 1, 1)]
            for rank, key in enumerate(keys)
        )
        await insert_many(Line, columns, rows)
        columns = [LineItem.id, LineItem.line, LineItem.kind, LineItem.offer, LineItem.position, LineItem.monthly_price]
        price = float(item["monthly_price"]) if on_sqlite() else item["monthly_price"]
        rows = ([key, line, "OFFER", item["offer"], 0, price, date(2026, 1, 1)] for key, line in zip(held, keys, strict=True))
        await insert_many(LineItem, [*columns, LineItem.starts_on], rows)


async def test_a_line_tells_what_it_is_and_its_verbs_are_done_and_told(clerk, lines):
    page = await clerk.get("/lignes/06 39 98 00 01")
    told = words(page)
    assert "Ligne active depuis le 10 février 2025. Encore 2 mois pleins d'engagement" in told
    assert "résilier aujourd'hui coûterait 8,32 € HT." in told
    assert "−15,5 %" in told
    assert "« Active » : cette ligne n'est pas restreinte, il n'y a rien à réactiver." in told
    form = fields(page, '<input type="hidden" name="acte" value="RENAME">') | {"_csrf_token": await clerk.csrf("/cartes/lots")}
    for _ in range(2):
        answer = await clerk.post(
            f"/lignes/{ONE}/faire", data=form | {"acte": "RENAME", "nom": "<b>Zoé</b>", "motif": "Mutation"}
        )
        assert answer.status_code == 303
    assert await LineChange.count() == await NetworkRequest.count() == 1
    page = await clerk.get(answer.headers["location"])
    assert "c'est fait ici, et demandé au réseau" in words(page)
    assert "&lt;b&gt;Zoé&lt;/b&gt;" in page.text
    assert "Demandé le" in words(page)
    stale = await clerk.post(f"/lignes/{ONE}/faire", data=form | {"acte": "RENAME", "nom": "Autre", "une_fois": "autre"})
    assert (stale.status_code, "vient de changer ailleurs" in words(stale)) == (409, True)
    request = await NetworkRequest.select().first()
    row = request | {"state": RequestState.refused.value}
    async with transaction():
        await answers.refused(row, reason="Nom trop long, code 12", actor="réseau", now=SETTINGS.now())
    refused = NetworkRequest.update({NetworkRequest.state: RequestState.refused, NetworkRequest.reason: "Nom trop long, code 12"})
    await refused.where(NetworkRequest.id == request["id"])
    assert "Nom trop long, code 12" in words(await clerk.get(f"/lignes/{ONE}"))
    assert (await Line.select(Line.user_name).where(Line.msisdn == ONE).first())["user_name"] == "Léa Essai"


async def test_a_press_twice_at_the_same_time_is_one_effect(clerk, lines):
    effect = await submit(clerk, "/parc/effet", acte="INTERNATIONAL:NONE", ligne=str(lines[ONE]))
    assert "Union européenne → France seule" in words(effect)
    answers = await asyncio.gather(*[confirm(clerk, effect) for _ in range(4)])
    assert {("C'est fait pour 1 ligne." in words(answer), answer.status_code) for answer in answers} == {(True, 200)}
    assert await LineChange.count() == await NetworkRequest.count() == 1


async def test_the_world_is_only_for_an_offer_that_allows_it(clerk, lines):
    form = {"acte": "INTERNATIONAL:WORLD", "ligne": [str(key) for key in lines.values()]}
    effect = await submit(clerk, "/parc/effet", **form)
    assert "International : Monde entier : 1 ligne" in words(effect)  # ONE holds an option that does; TWO does not
    assert "ne permet pas le profil « Monde entier »" in words(effect)


async def test_a_number_that_leaves_is_told_with_its_operator_and_ends_its_line(clerk, lines):
    effect = await submit(clerk, f"/lignes/{ONE}/effet", acte="PORT_OUT", operateur="Opérateur Fictif", le="2026-12-01")
    assert "Opérateur Fictif" in words(effect)
    done = await confirm(clerk, effect, f"/lignes/{ONE}/faire", motif="Portage")
    page = words(await clerk.get(done.headers["location"]))
    assert "Portabilité sortante : c'est programmé pour le 1er décembre 2026" in page


async def test_the_last_bill_of_a_line_is_summed_by_section(clerk, lines):
    customer = (await Line.select(Line.customer).where(Line.msisdn == ONE).first())["customer"]
    for number, cents in (("F2026-000001", 100), ("F2026-000002", 416)):
        invoice = Invoice(customer=customer, kind="INVOICE", number=number, issued_on=date(2026, 11, 2))
        await invoice.save()
        for rank, (section, part) in enumerate((("RECURRING", cents), ("USAGE", 482), ("USAGE", 18))):
            row = InvoiceLine(invoice=invoice.id, position=rank, section=section, line=lines[ONE], amount_cents=part, vat_rate=20)
            await row.save()
        await Invoice.update({Invoice.state: InvoiceState.validated}).where(Invoice.id == invoice.id)
    page = words(await clerk.get(f"/lignes/{ONE}"))
    assert "Abonnements et options 4,16 € Communications hors forfait 5,00 € Total HT 9,16 €" in page
    assert "F2026-000002" in page
    assert "F2026-000001" not in page


async def test_a_change_of_offer_shows_the_next_bill_before_it_is_confirmed(clerk, lines):
    asked = {"acte": "CHANGE_OFFER", "abonnement": "SOLO", "prix": "3,10", "le": "2026-12-01", "motif": "Geste"}
    effect = await submit(clerk, f"/lignes/{ONE}/effet", **asked)
    assert "Ce qui change sur la facture de" in words(effect)
    assert "Différence :" in words(effect)
    done = await confirm(clerk, effect, f"/lignes/{ONE}/faire", motif="Geste")
    assert done.status_code == 303
    page = words(await clerk.get(done.headers["location"]))
    assert "c'est programmé pour le 1er décembre 2026" in page
    wrong = await submit(clerk, f"/lignes/{ONE}/effet", **asked | {"prix": "cher"})
    assert wrong.status_code == 422


async def test_a_card_is_swapped_after_it_was_shown_twice(clerk, lines):
    page = await clerk.get("/changement-sim", params={"numero": "+33 6 39 98 00 01", "carte": "00033"})
    assert "1 carte en stock finit ainsi" in words(page)
    assert (HELD in page.text, FREE in page.text) == (True, True)
    effect = await submit(clerk, f"/lignes/{ONE}/effet", acte="SWAP_SIM", carte=FREE, motif="Perdue")
    assert "→" in words(effect)
    assert await Sim.exists().where(Sim.iccid == FREE, Sim.state == SimState.in_stock)
    done = await confirm(clerk, effect, f"/lignes/{ONE}/faire", motif="Perdue")
    assert done.status_code == 303
    states = {row["iccid"]: row["state"] for row in await Sim.select()}
    assert (states[HELD], states[FREE]) == (SimState.retired, SimState.active)
    taken = await submit(clerk, f"/lignes/{ONE}/effet", acte="SWAP_SIM", carte=HELD)
    assert "n'est pas libre" in words(taken)
    assert "<button" not in taken.text.split("<main", 1)[1]
    assert (await clerk.get("/changement-sim", params={"numero": "06 39 98 99 99"})).status_code == 404
    assert (await clerk.get("/changement-sim", params={"numero": "abc"})).status_code == 422


async def test_what_cannot_be_asked_is_said_in_a_sentence(clerk, lines):
    for path, form, status, sentence in (
        ("/parc/effet", {"acte": "SUSPEND:OUT"}, 422, "Aucune ligne n'est choisie"),
        ("/parc/effet", {"acte": "SUSPEND:OUT", "ligne": "9" * 17}, 422, "Aucune ligne n'est choisie"),
        ("/parc/effet", {"acte": "FLY", "ligne": "1"}, 422, "n'est pas un acte sur une ligne"),
        ("/parc/effet", {"acte": "SUSPEND:UP", "ligne": "1"}, 422, ""),
        ("/parc/effet", {"acte": "SUSPEND:OUT", "ligne": "1", "le": "hier"}, 422, "n'est pas une date"),
        ("/parc/faire", {"acte": "SUSPEND:OUT", "vues": "x 9:1 :"}, 200, "n'existe plus"),
        (f"/lignes/{ONE}/faire", {"acte": "RENAME", "nom": "A"}, 422, "Aucune ligne n'est choisie"),
        (f"/lignes/{ONE}/annuler", {"changement": "7"}, 404, "n'existe pas"),
        ("/lignes/0699999999/effet", {"acte": "REACTIVATE"}, 404, "Aucune ligne n'a le numéro"),
    ):
        answer = await submit(clerk, path, **form)
        assert (answer.status_code, sentence in words(answer)) == (status, True), (path, form, words(answer)[-200:])
    assert (await clerk.get("/lignes/06 99 99 99 99")).status_code == 404


async def test_an_empty_fleet_leads_to_orders_and_imports(clerk):
    main = (await clerk.get("/parc")).text.split("<main", 1)[1]
    assert 'href="/commandes"' in main
    assert 'href="/imports"' in main


async def test_no_page_of_lines_opens_without_its_key(visitor, clerk, lines):
    for path in ("/parc", f"/lignes/{ONE}", "/changement-sim"):
        assert (await visitor.get(path)).status_code == 303
    async with Visitor(cookies=clerk.cookies) as stranger:
        answer = await stranger.post("/parc/faire", data={"acte": "SUSPEND:OUT", "vues": f"{lines[ONE]}:0"})
    assert (answer.status_code, await state_of(ONE)) == (403, LineState.active)
