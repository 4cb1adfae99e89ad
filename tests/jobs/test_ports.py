"""A number on its way to us: what the donor says, what is put right and asked again, what the clock freezes and lets expire."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from port_samples import DAY, MSISDN, NOW, RIO, opening, port

from gateways.settings import SETTINGS
from jobs import ports, ports_overview
from jobs.network import settling
from jobs.report import Report
from rules.errors import NoReason
from rules.moves import IllegalState
from rules.porting import NotAWorkingDay, PortingTooSoon
from rules.rio import WrongKey, key
from rules.states import PORT_MOVES, PortState, RequestState
from tables.changes import NetworkRequest
from tables.mail import Mail
from tables.orders import Order, OrderItem, PortingRequest
from tables.timeline import story

P = PortState
OTHER_RIO = "01EA1B2C3" + key("01EA1B2C3", "0612345678")  # the same number's, of a business contract


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", NOW)


@pytest.fixture
def told(monkeypatch):
    heard: list = []
    opening(monkeypatch, heard)
    return heard


async def state(port_id: int) -> str:
    return (await ports.get(port_id))["state"]


async def requests() -> list[tuple[str, str]]:
    rows = await NetworkRequest.select(NetworkRequest.kind, NetworkRequest.state).order_by(NetworkRequest.id)
    return [(row["kind"], row["state"]) for row in rows]


async def test_an_eligible_port_is_written_to_the_customer_once_with_its_date(database):
    id_ = await port()
    await NetworkRequest.update({NetworkRequest.state: RequestState.sent}, force=True)
    await ports.mark_eligible(id_, actor="Camille", now=NOW)
    assert (await state(id_), await requests()) == ("eligible", [("PORT_IN", "accepted")])
    (mail,) = await Mail.select()
    assert (mail["kind"], mail["recipient"]) == ("port_date_fixed", "parc.C1@ebene.example")
    assert mail["customer_order"] == (await ports.get(id_))["item.customer_order.id"]
    for words in ("3 décembre 2026", "06\u00a012\u00a034\u00a056\u00a078", "Léa", "Bonjour Zoé"):
        assert words in mail["text"] + mail["subject"]
    with pytest.raises(IllegalState):
        await ports.mark_eligible(id_, actor="Camille", now=NOW)
    assert await Mail.count() == 1


async def test_what_the_network_accepts_is_eligible(database):
    id_ = await port()
    await NetworkRequest.update({NetworkRequest.state: RequestState.sent}, force=True)
    await settling.accept(1, actor="Réseau", now=NOW)
    assert await state(id_) == "eligible" and await Mail.count() == 1
    (entry,) = await story("porting_request", id_)
    assert (entry["actor"], entry["before"], entry["after"]) == ("Réseau", {"state": "submitted"}, {"state": "eligible"})


async def test_a_refusal_keeps_the_donors_reason_and_says_what_to_do(database, told):
    id_ = await port()
    with pytest.raises(NoReason):
        await ports.reject(id_, words=" ", actor="Camille", now=NOW)
    await ports.reject(id_, code="HOLDER", words="nom différent\n", actor="Camille", now=NOW)
    row = ports_overview.shown(await ports.get(id_), DAY)
    assert (row["state"], row["reason"]) == ("rejected", "Le demandeur n'est pas le titulaire : nom différent")
    assert "au nom de qui" in row["to_do"]
    assert await requests() == [("PORT_IN", "refused")] and told == [("refused", "PORT_IN", row["item"])]


async def test_a_refused_port_is_put_right_and_asked_again(database, told):
    id_ = await port()
    await ports.reject(id_, code="RIO", actor="Camille", now=NOW)
    for rio, day, problem in (
        ("01PA1B2C3NLA", DAY, WrongKey), (RIO, date(2026, 11, 29), PortingTooSoon), (RIO, date(2026, 12, 25), NotAWorkingDay),
    ):  # fmt: skip
        with pytest.raises(problem):
            await ports.correct(id_, written_rio=rio, porting_date=day, actor="Camille", now=NOW)
    assert await state(id_) == "rejected"
    new = date(2026, 12, 7)
    await ports.correct(
        id_,
        written_rio=f" {OTHER_RIO[:6]} {OTHER_RIO[6:].lower()}",
        porting_date=new,
        time_slot="matin",
        actor="Camille",
        now=NOW,
    )
    row = await ports.get(id_)
    assert (row["state"], row["rio"], row["porting_date"], row["time_slot"], row["reason"]) == (
        "submitted", OTHER_RIO, new, "matin", "",
    )  # fmt: skip
    assert await requests() == [("PORT_IN", "refused"), ("PORT_IN", "queued")]
    item = await OrderItem.select().where(OrderItem.id == row["item"]).first()
    asked = json.loads(item["asked"])
    assert (item["state"], asked["user_name"]) == ("requested", "Léa")
    assert asked["porting"] == {"msisdn": MSISDN, "rio": OTHER_RIO, "porting_date": "2026-12-07", "time_slot": "matin"}
    entry = next(entry for entry in await story("porting_request", id_) if entry["event"] == "corrected")
    assert (entry["before"]["rio"], entry["after"]["rio"]) == (RIO, OTHER_RIO)
    with pytest.raises(ports.NotRejected):
        await ports.correct(id_, written_rio=RIO, porting_date=new, actor="Camille", now=NOW)


async def test_a_correction_is_judged_on_the_paris_day(database, told):
    id_ = await port()
    await ports.reject(id_, code="DATE", actor="Camille", now=NOW)
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # the 24th in Paris: the 30th is six days ahead, as on the 24th
    with pytest.raises(PortingTooSoon):
        await ports.correct(id_, written_rio=RIO, porting_date=date(2026, 11, 29), actor="", now=late)
    await ports.correct(id_, written_rio=RIO, porting_date=date(2027, 1, 21), actor="", now=late)  # 58 days after the 24th


async def test_a_port_of_a_closed_order_is_not_asked_again(database, told):
    id_ = await port()
    await ports.reject(id_, code="RIO", actor="Camille", now=NOW)
    await Order.update({Order.state: "rejected"}, force=True)
    with pytest.raises(ports.OrderClosed):
        await ports.correct(id_, written_rio=RIO, porting_date=DAY, actor="Camille", now=NOW)
    assert (await ports_overview.listing(ports_overview.Sought(), 1, DAY)) == ([], 0)


async def test_a_refused_correction_leaves_no_trace(database, told, monkeypatch):
    id_ = await port()
    await ports.reject(id_, code="RIO", actor="Camille", now=NOW)

    async def retry(*_, **__):
        raise IllegalState("La carte SIM n'est plus libre.")

    monkeypatch.setattr(ports.orders(), "retry", retry)
    before = len(await story("porting_request", id_))
    with pytest.raises(IllegalState, match="carte SIM"):
        await ports.correct(id_, written_rio=RIO, porting_date=DAY, actor="Camille", now=NOW)
    assert (await state(id_), len(await story("porting_request", id_))) == ("rejected", before)


@pytest.mark.parametrize("mode", ["manual", "sftp"])
async def test_a_cancelled_port_asks_the_network_to_forget_it(database, told, monkeypatch, mode):
    monkeypatch.setattr(SETTINGS, "network_mode", mode)
    id_ = await port()
    with pytest.raises(NoReason):
        await ports.cancel(id_, reason="", actor="Camille", now=NOW)
    await ports.cancel(id_, reason="Le client reste", actor="Camille", now=NOW)
    item = (await ports.get(id_))["item"]
    assert (await state(id_), (await ports.get(id_))["reason"]) == ("cancelled", "Le client reste")
    unheard = mode == "sftp"  # it never left: nobody is asked to forget it
    assert await requests() == [("PORT_IN", "refused"), ("CANCEL_PORT", "done" if unheard else "queued")]
    assert told == ([("done", "CANCEL_PORT", item)] if unheard else [])
    assert (await settling.get(1))["seen"]


async def test_a_port_that_the_network_knows_is_forgotten_once_the_network_says_so(database, told):
    id_ = await port()
    await NetworkRequest.update({NetworkRequest.state: RequestState.sent}, force=True)
    await ports.cancel(id_, reason="Le client reste", actor="Camille", now=NOW)
    assert await requests() == [("PORT_IN", "sent"), ("CANCEL_PORT", "queued")]
    await settling.confirm(2, actor="Réseau", now=NOW)
    assert await requests() == [("PORT_IN", "refused"), ("CANCEL_PORT", "done")]
    assert [one[:2] for one in told] == [("done", "CANCEL_PORT")]


async def test_from_its_eve_in_paris_nobody_cancels_an_eligible_port(database):
    id_ = await port(P.eligible)
    eve = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)  # already the 2nd in Paris
    with pytest.raises(ports.PortFrozen):
        await ports.cancel(id_, reason="non", actor="Camille", now=eve)
    assert await ports.freeze_and_expire(eve) == Report(1)
    assert await state(id_) == "frozen"
    with pytest.raises(ports.PortFrozen):
        await ports.cancel(id_, reason="non", actor="Camille", now=eve)
    assert await ports.freeze_and_expire(eve) == Report()


async def test_the_clock_freezes_on_the_eve_and_lets_expire_what_nobody_answered(database):
    today = date(2026, 12, 2)
    ids = {}
    for number, (state_, ahead) in enumerate(
        [(P.eligible, 2), (P.eligible, 1), (P.eligible, 0), (P.eligible, -1), (P.submitted, 1), (P.submitted, -1),
         (P.checked, -1), (P.frozen, -1), (P.rejected, -3), (P.draft, -3)]
    ):  # fmt: skip
        ids[state_, ahead] = await port(state_, today + timedelta(ahead), msisdn=f"+3361234560{number}", asked=False)
    report = await ports.freeze_and_expire(datetime(2026, 12, 2, 6, tzinfo=UTC))
    became = {key: await state(id_) for key, id_ in ids.items()}
    assert became == {
        (P.eligible, 2): "eligible", (P.eligible, 1): "frozen", (P.eligible, 0): "frozen", (P.eligible, -1): "expired",
        (P.submitted, 1): "submitted", (P.submitted, -1): "expired", (P.checked, -1): "expired", (P.frozen, -1): "frozen",
        (P.rejected, -3): "rejected", (P.draft, -3): "draft",
    }  # fmt: skip
    assert (report.done, len(report.problems)) == (5, 3)
    assert await ports.freeze_and_expire(datetime(2026, 12, 2, 6, tzinfo=UTC)) == Report()


async def test_no_verb_makes_a_move_that_is_not_legal(database, told):
    id_ = await port()
    verbs = {
        P.eligible: lambda: ports.mark_eligible(id_, actor="", now=NOW),
        P.rejected: lambda: ports.reject(id_, code="RIO", actor="", now=NOW),
        P.cancelled: lambda: ports.cancel(id_, reason="non", actor="", now=NOW),
        P.submitted: lambda: ports.correct(id_, written_rio=RIO, porting_date=DAY, actor="", now=NOW),
    }
    for source in PortState:
        for target, verb in verbs.items():
            await PortingRequest.update({PortingRequest.state: source}).where(PortingRequest.id == id_)
            await NetworkRequest.update({NetworkRequest.state: "queued"}).where(NetworkRequest.id == 1)
            await OrderItem.update({OrderItem.state: "refused" if source == P.rejected else "requested"}, force=True)
            legal = source == P.rejected if target == P.submitted else target in PORT_MOVES[source]
            if legal:
                assert (await verb())["state"] == target
            else:
                with pytest.raises((IllegalState, ports.PortFrozen, ports.NotRejected)):
                    await verb()


async def test_the_list_follows_what_runs_and_finds_by_number_rio_and_customer(database):
    await port()
    await port(P.rejected, DAY - timedelta(1), msisdn="+33639980002", rio="02P123456BF+")
    await port(P.completed, msisdn="+33639980003")
    found = {}
    for text in ("", "34 56 78", "0639980002", "02p123456bf+", "bénisterie c2", "C2", "rien"):
        rows, total = await ports_overview.listing(ports_overview.Sought(text=text), 1, DAY)
        found[text] = [row["msisdn"] for row in rows]
        assert total == len(rows)
    assert found[""] == ["+33639980002", MSISDN]
    assert found["34 56 78"] == [MSISDN]
    assert found["0639980002"] == found["02p123456bf+"] == found["bénisterie c2"] == found["C2"] == ["+33639980002"]
    assert found["rien"] == []
    rows, _ = await ports_overview.listing(ports_overview.Sought(state="completed"), 1, DAY)
    assert [row["msisdn"] for row in rows] == ["+33639980003"]
    assert {state: ports for state, ports in (await ports_overview.counts()).items() if ports} == {"submitted": 1, "rejected": 1}
