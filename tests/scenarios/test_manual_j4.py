"""J4 of the manual: the month's documents leave by mail, all or one; each row says what became of it."""

import asyncio
import io
import re
from email import message_from_bytes
from email.policy import default

import pytest
from mail_sink import Server, Sink
from pypdf import PdfReader

from endpoints.throttle import THROTTLE
from gateways.settings import SETTINGS
from jobs import folder, reseller
from jobs.billing import runs
from rules.paris import Month
from rules.states import RunState
from tables.billing import BillingRun
from tables.invoices import Invoice, SealedDocument
from tables.mail import Mail
from tables.parties import Customer
from tables.timeline import TimelineEntry
from tables.usage import CdrFile
from tests.endpoints.visitor import API_TOKEN, CRON_TOKEN, Visitor
from tests.month_samples import make, waive_all, work

OCTOBER = Month.parse("2026-10")


@pytest.fixture(scope="module")
def small_month(tmp_path_factory):
    return make(tmp_path_factory.mktemp("months") / "small", customers=6, lines=12, cdrs=120)


@pytest.fixture
async def printed(database, data_dir, small_month):
    """A month of a few customers, validated and printed."""
    await folder.import_reference(small_month, OCTOBER, SETTINGS.now(), "essai")
    await folder.load_cdrs(small_month, SETTINGS.now())
    assert await CdrFile.exists()
    run, _ = await runs.start(OCTOBER, "essai", work)
    await waive_all(run["id"])
    for stage in ("validate", "print"):
        await runs.begin(run["id"], stage, "essai", work)
    return run["id"]


@pytest.fixture
def sink(database_env, monkeypatch):
    kept = Sink()
    with Server(kept) as server:
        for name, value in (database_env | {"SMTP_URL": f"smtp://127.0.0.1:{server.port}"}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(SETTINGS, "smtp_url", f"smtp://127.0.0.1:{server.port}")
        monkeypatch.setattr(SETTINGS, "api_tokens", (API_TOKEN,))
        monkeypatch.setattr(SETTINGS, "cron_tokens", (CRON_TOKEN,))
        monkeypatch.setattr(THROTTLE, "_failures", [])
        yield kept


@pytest.fixture
async def program(database):
    async with Visitor(headers={"authorization": f"Bearer {API_TOKEN}"}) as client:
        yield client


async def until_sent(program, run_id: int) -> dict:
    for _ in range(200):
        run = (await program.get(f"/api/billing-runs/{run_id}")).json()
        if run["state"] == "sent":
            return run
        assert not run["interrupted"]
        await asyncio.sleep(0.1)
    raise AssertionError(run)


async def addresses() -> dict[str, str]:
    """Each document's number and the address of its customer."""
    rows = await Invoice.select(Invoice.number, Invoice.customer.billing_email)
    return {row["number"]: row["customer.billing_email"] for row in rows}


async def test_all_documents_of_a_month_leave_once_with_their_papers(program, printed, sink):
    several, without, refused = (
        await Customer.select(Customer.id)
        .where(Customer.id.is_in([row["customer"] for row in await Invoice.select(Invoice.customer)]))
        .order_by(Customer.id)
    )[:3]
    await Customer.update({Customer.billing_email: "a@deux.example, b@deux.example; A@deux.example"}).where(
        Customer.id == several["id"]
    )
    await Customer.update({Customer.billing_email: ""}).where(Customer.id == without["id"])
    await Customer.update({Customer.billing_email: "550@refus.example"}).where(Customer.id == refused["id"])
    documents = await addresses()

    answer = await program.post(f"/api/billing-runs/{printed}/send")
    assert (answer.status_code, answer.json()["state"]) == (202, "sending")
    await until_sent(program, printed)
    expected = [address for address in documents.values() if "," not in address and address and "refus" not in address]
    assert sorted(sink.recipients) == sorted([*expected, "a@deux.example", "b@deux.example"])

    for envelope in sink.accepted:
        message = message_from_bytes(envelope.content, policy=default)
        files = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
        number = next(name for name in files if "detail" not in name).removesuffix(".pdf")
        wanted = await SealedDocument.select(SealedDocument.name, SealedDocument.path).where(
            SealedDocument.invoice.number == number, SealedDocument.kind != "XML"
        )
        assert files == {row["name"]: (SETTINGS.data_dir / row["path"]).read_bytes() for row in wanted}
        assert message["To"] in documents[number] or message["To"] == documents[number]
        assert "TTC" in message["Subject"] and number in message.get_body(("plain",)).get_content()
        assert number in message.get_body(("html",)).get_content()
        assert number in PdfReader(io.BytesIO(files[f"{number}.pdf"])).pages[0].extract_text()

    sent = len(sink.accepted)
    for _ in range(2):
        assert (await program.post(f"/api/billing-runs/{printed}/send")).status_code == 202
    assert (await until_sent(program, printed))["state"] == "sent"
    assert len(sink.accepted) == sent
    (row,) = await Mail.select().where(Mail.state == "failed")
    assert (row["recipient"], row["answer"]) == ("550@refus.example", "550 as scripted")
    entries = await TimelineEntry.select(TimelineEntry.event).where(TimelineEntry.subject == "billing_run")
    assert [entry["event"] for entry in entries].count("send") == 1


async def test_a_month_that_is_not_printed_sends_nothing_and_one_that_sends_holds_up_no_other(program, printed, sink):
    await BillingRun.update({BillingRun.state: RunState.validated}).where(BillingRun.id == printed)
    refused = await program.post(f"/api/billing-runs/{printed}/send")
    assert (refused.status_code, await Mail.count()) == (409, 0)
    assert "éditez d'abord les PDF" in refused.json()["detail"]
    await BillingRun.update({BillingRun.state: RunState.sending}).where(BillingRun.id == printed)
    other, new = await runs.start(OCTOBER.next, "essai", work)
    assert new and (await runs.get(other["id"]))["state"] == "controlled"


async def test_two_requests_at_once_write_each_mail_once(program, printed, sink, monkeypatch):
    monkeypatch.setattr(SETTINGS, "smtp_url", "")
    answers = await asyncio.gather(*(program.post(f"/api/billing-runs/{printed}/send") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {202}
    assert await Mail.count() == len([address for address in (await addresses()).values() if address])
    assert (await program.get(f"/api/billing-runs/{printed}")).json()["state"] == "sending"


async def test_a_paper_over_the_limit_goes_as_a_link_that_opens_it_and_it_alone(program, printed, sink):
    await reseller.save({"mail_attachment_kb": 0}, "essai")
    await program.post(f"/api/billing-runs/{printed}/send")
    await until_sent(program, printed)
    message = message_from_bytes(sink.accepted[0].content, policy=default)
    assert list(message.iter_attachments()) == []
    text = message.get_body(("plain",)).get_content()
    links = re.findall(rf"{re.escape(SETTINGS.public_url)}(/document/\S+)", text)
    assert links
    async with Visitor() as stranger:
        opened = await stranger.get(links[0])
        assert opened.status_code == 200 and opened.content.startswith(b"%PDF-")
        number = re.search(r"[FA]2026-\d+", text)[0]
        assert opened.headers["content-disposition"] == f'inline; filename="{number}.pdf"'
        token = links[0].rpartition("/")[2]
        for wrong in (token[:-4], token[:50] + ("A" if token[50] != "A" else "B") + token[51:], "x", "F2026-000001.pdf", "é"):
            assert (await stranger.get(f"/document/{wrong}")).status_code == 404, wrong
    async with Visitor(address="203.0.113.9") as guesser:
        tries = [(await guesser.get(f"/document/{number:050}")).status_code for number in range(55)]
        assert tries[:50] == [404] * 50 and tries[-1] == 429
        assert (await guesser.get("/document/" + token)).status_code == 429


async def test_a_link_ends_with_its_day(printed, monkeypatch):
    from datetime import UTC, datetime, timedelta

    from gateways import secrets
    from jobs.billing.send import LINK, linked_document

    now = datetime.now(UTC)
    assert linked_document(secrets.sign("F1.pdf", LINK, now + timedelta(seconds=60))) == "F1.pdf"
    assert linked_document(secrets.sign("F1.pdf", LINK, now - timedelta(seconds=1))) is None
    assert linked_document(secrets.sign("F1.pdf", "autre", now + timedelta(seconds=60))) is None


async def test_one_document_is_sent_from_its_row_seen_resent_and_downloaded(database, printed, sink, monkeypatch):
    from tables.access import User
    from tests.endpoints.visitor import EMAIL, PASSWORD

    monkeypatch.setattr(User, "_pbkdf2_iteration_count", 1000)
    await User.create_user(username=EMAIL, email=EMAIL, password=PASSWORD, active=True, admin=True, role="administrator")
    async with Visitor() as clerk:
        await clerk.login()
        form = {"_csrf_token": await clerk.csrf("/facturation?mois=2026-10")}
        invoice = await Invoice.select(Invoice.id, Invoice.number, Invoice.customer.billing_email).first()
        for _ in range(2):
            answer = await clerk.post(f"/facturation/{printed}/envoyer", data=form | {"facture": str(invoice["id"])})
            assert answer.status_code == 303
        assert sink.recipients == [invoice["customer.billing_email"]]
        assert (await runs.get(printed))["state"] == "printed"
        row = (await Mail.select())[0]
        page = (await clerk.get("/facturation?mois=2026-10")).text
        assert f"/envois/{row['id']}" in page and "Envoyé" in page
        listed = (await clerk.get("/envois?etat=sent")).text
        assert row["recipient"] in listed and "Tout est parti" in listed
        shown = (await clerk.get(f"/envois/{row['id']}")).text
        assert f'src="/envois/{row["id"]}/message"' in shown and invoice["number"] in shown
        layout = await clerk.get(f"/envois/{row['id']}/message")
        rules = layout.headers["content-security-policy"].split("; ")
        assert {"sandbox", "default-src 'none'", "frame-ancestors 'self'"} <= {*rules} and "script" not in str(rules)
        eml = message_from_bytes((await clerk.get(f"/envois/{row['id']}/message.eml")).content, policy=default)
        sent = message_from_bytes(sink.accepted[0].content, policy=default)
        assert (eml["Message-ID"], eml["Subject"], eml["Date"]) == (sent["Message-ID"], sent["Subject"], sent["Date"])
        for _ in range(2):
            assert (await clerk.post(f"/envois/{row['id']}/renvoyer?essais=1", data=form)).status_code == 303
        assert sink.recipients == [row["recipient"]] * 2
        for path in ("/envois/999", "/envois/999/message", "/envois/999/message.eml"):
            assert (await clerk.get(path)).status_code == 404
        assert (await clerk.get("/envois?mois=octobre")).status_code == 422
