"""The outbox: one mail per act and address, each answer of a server its state, nothing in clear text, nobody outside a test."""

import asyncio
import json
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from hashlib import sha256

import pytest
from mail_sink import PASSWORD, USER, Server, Sink, authority

from gateways import mail as post
from gateways.files import publish_bytes
from gateways.settings import SETTINGS
from jobs import mails, reseller
from jobs.mails import Attachment, NewMail, overview, sending
from jobs.words import Words
from rules.errors import RuleError
from rules.mail import BadSmtpUrl, smtp_server
from rules.states import MailKind, MailState
from tables.engine import transaction
from tables.mail import Mail
from tables.timeline import TimelineEntry

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
WORDS = Words("Votre facture", "Bonjour,\nla voici.\n", "<p>Bonjour, la voici.</p>")


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", NOW)
    monkeypatch.setattr(post, "TIMEOUT_S", 1)


@pytest.fixture
def sink(monkeypatch):
    kept = Sink()
    with Server(kept) as server:
        monkeypatch.setattr(SETTINGS, "smtp_url", f"smtp://127.0.0.1:{server.port}")
        yield kept


async def write(*recipients: str, words: Words = WORDS, **more) -> list[int]:
    async with transaction():
        await mails.enqueue([NewMail(MailKind.invoice_issued, recipient, words, **more) for recipient in recipients])
    return [row["id"] for row in await Mail.select(Mail.id).order_by(Mail.id)][-len(recipients) :]


async def states() -> dict[str, str]:
    return {row["recipient"].partition("@")[0]: row["state"] for row in await Mail.select(Mail.recipient, Mail.state)}


async def test_a_mail_leaves_with_its_words_its_file_and_the_name_of_the_seller(database, data_dir, sink):
    publish_bytes(data_dir / "documents/F1.pdf", b"%PDF-1.7 essai")
    pdf_sha256 = sha256(b"%PDF-1.7 essai").hexdigest()
    seller = await reseller.current()
    words = Words("Votre facture d’été : 1 204,86 €", "Bonjour Zoé\n", '<p>Zoé <img src="cid:photo"></p>')
    publish_bytes(data_dir / "logo.png", b"\x89PNG essai")
    logo = Attachment("logo.png", "logo.png", sha256(b"\x89PNG essai").hexdigest(), "photo")
    (mail_id,) = await write(
        "zoe@client.example", words=words, attachments=(Attachment("F1.pdf", "documents/F1.pdf", pdf_sha256), logo)
    )
    report = await sending.send_due()
    assert (report.done, report.skipped, report.problems) == (1, 0, ())
    (envelope,) = sink.accepted
    message = message_from_bytes(envelope.content, policy=default)
    assert (message["From"], message["To"], message["Subject"]) == (
        f"{seller.name} <{seller.email}>", "zoe@client.example", words.subject,
    )  # fmt: skip
    row = await mails.get(mail_id)
    assert message["Message-ID"] == row["message_id"] == (await mails.get(mail_id))["message_id"]
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n") == words.text
    assert "Zoé" in message.get_body(("html",)).get_content()
    images = [part for part in message.walk() if part["Content-ID"] == "<photo>"]
    assert [image.get_content() for image in images] == [b"\x89PNG essai"]
    (pdf,) = message.iter_attachments()
    assert (pdf.get_filename(), pdf.get_content_type(), pdf.get_content()) == ("F1.pdf", "application/pdf", b"%PDF-1.7 essai")
    assert (row["state"], row["sent_at"], row["answer"], row["attempts"]) == ("sent", NOW, "250 OK queued", 1)


# D3: what the server does → the state of the mail
CASES = {
    "421": "waiting", "450": "waiting", "451": "waiting", "452": "waiting", "550": "failed", "553": "failed", "554": "failed",
    "452-data": "waiting", "554-data": "failed", "hang": "waiting", "mute": "in_doubt", "drop": "in_doubt",
}  # fmt: skip


async def test_each_answer_of_the_server_is_its_state_and_one_bad_address_blocks_no_other(database, sink):
    await write("premier@x.example", *(f"{word}@x.example" for word in CASES), "dernier@x.example")
    report = await sending.send_due()
    assert await states() == CASES | {"premier": "sent", "dernier": "sent"}
    assert (report.done, report.skipped) == (2, 12)
    assert len(report.problems) == 6  # what will not move by itself
    for row in await Mail.select():
        if row["state"] == MailState.waiting:
            assert (row["retries"], row["next_at"]) == (1, NOW + timedelta(minutes=1))
    assert [row["answer"] for row in await Mail.select(Mail.answer).where(Mail.recipient.like("550@%"))] == ["550 as scripted"]
    assert (await sending.send_due()).done == 0  # neither the refused nor the doubtful, and the rest not before its time


async def test_a_server_that_refuses_the_connection_or_hides_itself_makes_every_mail_wait(database, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for number, listening in enumerate((False, True)):
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if listening:  # accepts, and never says a word
                deaf.bind(("127.0.0.1", port))
                deaf.listen()
            monkeypatch.setattr(SETTINGS, "smtp_url", f"smtp://127.0.0.1:{port}")
            await write(f"a{number}@x.example")
            report = await sending.send_due()
        assert report.problems == (f"Le serveur d'envoi ne répond pas (127.0.0.1, port {port}).",)
    assert await states() == {"a0": "waiting", "a1": "waiting"}
    assert all("ne répond pas" in row["answer"] for row in await Mail.select(Mail.answer))


async def test_passing_refusals_are_retried_ever_more_slowly_and_given_up_after_48_hours(database, sink, monkeypatch):
    (mail_id,) = await write("450@x.example")
    now, waits = NOW, []
    while (row := await mails.get(mail_id))["state"] in ("queued", "waiting"):
        now = max(now, row["next_at"])
        monkeypatch.setattr(SETTINGS, "clock", now)
        await sending.send_due()
        waits.append(int(((await mails.get(mail_id))["next_at"] - now).total_seconds() // 60))
    assert waits[:5] == [1, 5, 15, 60, 240]
    assert timedelta(hours=44) < now - NOW <= timedelta(hours=48)
    assert row["state"] == "failed" and row["answer"].startswith("Abandonné après 48 h") and "450" in row["answer"]


async def taken_back(invoice: int) -> None:
    async with transaction():
        await mails.enqueue([NewMail(MailKind.invoice_issued, "a@x.example", WORDS, invoice)])
        raise ZeroDivisionError


async def test_what_the_act_takes_back_leaves_no_mail_and_the_same_mail_twice_is_one(database, an_invoice):
    with pytest.raises(ZeroDivisionError):
        await taken_back(an_invoice)
    assert await Mail.count() == 0
    for _ in range(2):
        await write("a@x.example", "b@x.example", invoice=an_invoice)
    assert await states() == {"a": "queued", "b": "queued"}
    assert await Mail.count() == 2


@pytest.fixture
async def an_invoice(database):
    from tables.invoices import Invoice
    from tables.parties import Customer

    customer = Customer(customer_number="C1", login="C1", company_name="Essai")
    await customer.save()
    invoice = Invoice({Invoice.customer: customer.id, Invoice.kind: "INVOICE"})
    await invoice.save()
    return invoice.id


async def test_an_address_that_cannot_be_one_is_kept_as_refused(database, sink):
    await write("pas une adresse", "é@x.example", "a@x.example\r\nBcc: b@x.example", "bon@x.example")
    await sending.send_due()
    rows = await Mail.select().order_by(Mail.id)
    assert [row["state"] for row in rows] == ["failed", "failed", "failed", "sent"]
    assert "accent" in rows[1]["answer"] and "retour à la ligne" in rows[2]["answer"]
    assert sink.recipients == ["bon@x.example"]
    with pytest.raises(RuleError):
        await mails.resend(rows[0]["id"], 0, "essai")


async def test_a_file_that_is_gone_or_changed_never_leaves(database, data_dir, sink):
    (data_dir / "F2.pdf").write_bytes(b"changed")
    for name in ("F1.pdf", "F2.pdf"):
        await write(f"{name[:2]}@x.example", attachments=(Attachment(name, name, "0" * 64),))
    await sending.send_due()
    assert await states() == {"F1": "failed", "F2": "failed"} and sink.accepted == []


@contextmanager
def secured(monkeypatch, tmp_path, sink, *, names=("127.0.0.1",), implicit=False, trusted=True, password=PASSWORD):
    ca, context = authority(tmp_path, *names)
    with Server(sink, **({"tls": context} if implicit else {"starttls": context})) as server:
        scheme, account = ("smtps", "") if implicit else ("smtp", f"{USER}:{password}@")
        monkeypatch.setattr(SETTINGS, "smtp_url", f"{scheme}://{account}127.0.0.1:{server.port}")
        monkeypatch.setattr(SETTINGS, "smtp_ca_file", str(ca) if trusted else "")
        yield


@pytest.mark.parametrize("implicit", [False, True])
async def test_a_verified_server_gets_the_mail_over_tls(database, monkeypatch, tmp_path, implicit):
    sink = Sink()
    with secured(monkeypatch, tmp_path, sink, implicit=implicit):
        await write("a@x.example", "b@x.example", "c@x.example")
        report = await sending.send_due()
    assert (report.done, report.problems) == (3, ())
    assert all(session.ssl for session in sink.sessions) or implicit


@pytest.mark.parametrize("wrong", ["authority", "name", "password"])
async def test_a_server_that_is_not_proved_or_does_not_know_us_gets_nothing(database, monkeypatch, tmp_path, wrong, capfd):
    sink = Sink()
    options = {"authority": {"trusted": False}, "name": {"names": ("autre.example",)}, "password": {"password": "faux-secret"}}
    with secured(monkeypatch, tmp_path, sink, **options[wrong]):
        await write("a@x.example")
        report = await sending.send_due()
    assert sink.accepted == [] and (await states())["a"] == "waiting"
    said = report.problems[0]
    assert ("identifiant ou le mot de passe" if wrong == "password" else "certificat") in said
    seen = said + json.dumps(await Mail.select(), default=str) + "".join(capfd.readouterr()) + repr(SETTINGS)
    assert PASSWORD not in seen and "faux-secret" not in seen
    assert PASSWORD not in repr(smtp_server(f"smtp://a:{PASSWORD}@b", True))


class Stripping:
    """A server, or someone on the way to it, that hides STARTTLS and listens to what is then said in clear."""

    def __enter__(self):
        self.heard = b""
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"220 relay.example ESMTP\r\n")
                while data := connection.recv(65_536):
                    self.heard += data
                    ehlo = data.upper().startswith(b"EHLO")
                    connection.sendall(b"250-relay.example\r\n250 AUTH PLAIN LOGIN\r\n" if ehlo else b"250 OK\r\n")

    def __exit__(self, *_):
        self.socket.close()


async def test_a_server_that_hides_starttls_hears_neither_the_password_nor_a_mail(database, monkeypatch):
    with Stripping() as server:
        monkeypatch.setattr(SETTINGS, "smtp_url", f"smtp://{USER}:{PASSWORD}@127.0.0.1:{server.port}")
        await write("a@x.example")
        report = await sending.send_due()
        assert "rien n'est parti en clair" in report.problems[0]
        assert (await states())["a"] == "waiting"
        lines = [line.split()[0].upper() for line in server.heard.splitlines() if line]
        assert lines and set(lines) <= {b"EHLO", b"HELO", b"QUIT"}


@pytest.mark.parametrize(
    ("url", "security"),
    [
        ("smtp://relais.example", "starttls"), ("smtps://relais.example", "tls"), ("smtp://127.0.0.1", "plain"),
        ("smtp://u:p@127.0.0.1", "starttls"), ("smtp://[::1]:25", "plain"), ("http://x", ""), ("smtp://", ""),
        ("relais.example", ""),        ("smtp://x:99999", ""), ("smtp://x/?tls=no", ""),
    ],
)  # fmt: skip
def test_clear_text_is_for_this_machine_in_development(url, security):
    if security:
        assert smtp_server(url, False).security == security
        assert smtp_server(url, True).security != "plain"
    else:
        with pytest.raises(BadSmtpUrl):
            smtp_server(url, False)


async def test_in_test_mode_nobody_else_gets_a_mail(database, sink, monkeypatch):
    monkeypatch.setattr(SETTINGS, "mail_allow_list", ("moi@x.example", "essai.example"))
    everyone = ("moi@x.example", "toi@x.example", "a@essai.example", "a@pas-essai.example", "a@essai.example.example")
    await write(*everyone)
    await sending.send_due()
    assert sorted(sink.recipients) == ["a@essai.example", "moi@x.example"]
    assert sorted(row["state"] for row in await Mail.select(Mail.state)) == ["sent", "sent", "withheld", "withheld", "withheld"]


async def test_in_development_without_a_list_nothing_leaves_this_machine(database, monkeypatch):
    monkeypatch.setattr(SETTINGS, "smtp_url", "smtp://relais.example")
    await write("a@x.example")
    await sending.send_due()
    assert await states() == {"a": "withheld"}


async def test_what_a_dead_worker_had_in_hand_is_for_a_person_to_settle(database, sink):
    first, second, third = await write("a@x.example", "b@x.example", "c@x.example")
    long_ago = datetime.now(UTC) - sending.LEASE - timedelta(seconds=1)
    await Mail.update({Mail.state: MailState.sending, Mail.claimed_at: long_ago, Mail.attempts: 1}).where(
        Mail.id.is_in([first, second])
    )
    await Mail.update({Mail.state: MailState.sending, Mail.claimed_at: datetime.now(UTC)}).where(Mail.id == third)
    await sending.settle_abandoned()
    await sending.send_due()
    assert await states() == {"a": "in_doubt", "b": "in_doubt", "c": "sending"}
    assert sink.accepted == [] and (await mails.counts())["in_doubt"] == 2
    await mails.mark_sent(first, "Camille")
    for _ in range(2):  # a double press
        await mails.resend(second, 1, "Camille")
    await sending.send_due()
    await mails.resend(second, 1, "Camille")  # the same press, late
    await sending.send_due()
    assert sink.recipients == ["b@x.example"]
    assert await states() == {"a": "sent", "b": "sent", "c": "sending"}
    entries = await TimelineEntry.select().where(TimelineEntry.subject == "mail").order_by(TimelineEntry.id)
    assert [(entry["subject_id"], entry["event"], entry["actor"]) for entry in entries] == [
        (first, "marked_sent", "Camille"), (second, "resent", "Camille"),
    ]  # fmt: skip


async def test_a_mail_cancelled_in_the_queue_does_not_leave(database, sink):
    first, _ = await write("a@x.example", "b@x.example")
    await mails.cancel(first, "essai")
    await sending.send_due()
    assert await states() == {"a": "cancelled", "b": "sent"}
    assert (await mails.cancel(first, "essai"))["state"] == "cancelled"


async def test_no_more_than_the_rate_leaves_in_a_minute(database, sink):
    await reseller.save({"mails_per_minute": 600}, "essai")
    await write(*(f"a{number}@x.example" for number in range(8)))
    begun = asyncio.get_running_loop().time()
    assert (await sending.send_due()).done == 8
    assert asyncio.get_running_loop().time() - begun >= 0.7  # seven pauses of a tenth of a second


async def test_a_worker_told_to_stop_finishes_what_it_has_in_hand_and_leaves_the_rest(database, sink):
    sink.slowness_s = 0.2
    await write(*(f"a{number}@x.example" for number in range(40)))
    stop = asyncio.Event()
    working = asyncio.create_task(sending.send_due(stop))
    while not sink.sessions:
        await asyncio.sleep(0.01)
    stop.set()
    report = await working
    assert 1 <= report.done < 40
    counted = await mails.counts()
    assert (counted["sent"], counted["queued"], counted["sending"]) == (report.done, 40 - report.done, 0)
    assert len(sink.accepted) == report.done


async def test_many_mails_share_few_connections(database, sink):
    await write(*(f"a{number}@x.example" for number in range(60)))
    assert (await sending.send_due()).done == 60
    assert len({id(session) for session in sink.sessions}) <= sending.CONNECTIONS


async def test_the_job_says_what_it_lacks_and_works_in_a_process_of_its_own(database, database_env, sink, monkeypatch):
    await write("a@x.example")
    url, SETTINGS.smtp_url = SETTINGS.smtp_url, ""
    report = await sending.send_mails()
    assert (report.done, report.skipped) == (0, 1) and "SMTP_URL" in report.problems[0]
    SETTINGS.smtp_url = url
    for name, value in (database_env | {"SMTP_URL": url}).items():
        monkeypatch.setenv(name, value)
    assert (await sending.send_mails()).done == 1
    assert sink.recipients == ["a@x.example"]
    assert (await sending.send_mails()).done == 0


async def test_the_mails_are_found_by_state_kind_month_and_recipient(database, sink):
    await write("a@x.example", "550@x.example", "zoe@autre.example")
    await sending.send_due()
    for sought, expected in (
        (overview.Sought(), 3), (overview.Sought(state="failed"), 1), (overview.Sought(kind="reminder_1"), 0),
        (overview.Sought(month="2026-11"), 3), (overview.Sought(month="2026-10"), 0), (overview.Sought(recipient="ZOE@"), 1),
        (overview.Sought(state="sent", recipient="x.example"), 1),
    ):  # fmt: skip
        rows, found = await overview.found(sought, 1)
        assert (len(rows), found) == (expected, expected), sought


async def test_words_that_would_begin_a_header_are_refused_for_all_to_see(database, sink):
    await write("a@x.example", words=Words("Facture\r\nBcc: vol@x.example", "", ""))
    await write("b@x.example", words=Words("=?utf-8?q?=0D=0A?=Bcc: vol@x.example", "", ""))
    await sending.send_due()
    assert await states() == {"a": "failed", "b": "failed"} and sink.accepted == []
    for row in await Mail.select():
        await mails.resend(row["id"], row["attempts"], "essai")
    await sending.send_due()
    assert "vol@x.example" not in sink.recipients
    assert all("\n" not in envelope.content.decode().partition("Subject:")[2].partition("\r\n")[0] for envelope in sink.accepted)
