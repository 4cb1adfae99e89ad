"""The job `send-mails`: each mail due is claimed, handed over, and the server's answer recorded with the next claim.

A worker that dies leaves at most one mail per connection between the server's « 250 » and its record: that one is held for a
person. Any number of workers may run at once.
"""

import asyncio
import hashlib
import json
import signal
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateways.mail import File, Letter, Post, ServerAway, mime
from gateways.settings import SETTINGS
from jobs import mails, reseller, worker
from jobs.report import Report
from rules import mail as law
from rules.errors import RuleError
from rules.states import MAIL_TO_DO, MailState
from tables.engine import transaction
from tables.mail import Mail

Row = dict[str, Any]
CONNECTIONS = 4
AHEAD = 200
LEASE = timedelta(minutes=15)
"""Longer than any hand-over may last: who claimed a mail before that is dead."""
CLAIMABLE = MAIL_TO_DO
DIED = "L'envoi s'est interrompu avant que la réponse du serveur soit enregistrée : le message est peut-être parti."


class NotTheSameFile(RuleError):
    """An attachment that is gone, or another one than when the mail was written."""


async def send_mails() -> Report:
    """Hand over what is due, in a process beside the web's."""
    await settle_abandoned()
    waiting = await Mail.count().where(*_due())
    if waiting and not SETTINGS.smtp_url:
        return Report(0, waiting, (f"SMTP_URL n'est pas réglé : {waiting} messages attendent.",))
    if not waiting:
        await mails.close_runs()
        return Report()
    return await worker.ask("mails")


async def work() -> Report:
    """The worker's part. SIGTERM lets it finish what is in hand."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return await send_due(stop)


async def settle_abandoned() -> None:
    """What a dead worker had in hand is in doubt: never sent again by itself."""
    async with transaction():
        await Mail.update({Mail.state: MailState.in_doubt, Mail.answer: DIED}).where(
            Mail.state == MailState.sending, Mail.claimed_at <= datetime.now(UTC) - LEASE
        )


async def send_due(stop: asyncio.Event | None = None) -> Report:
    """Everything that is due now, on several connections."""
    passage = _Passage((await reseller.current()).mails_per_minute, stop or asyncio.Event())
    await asyncio.gather(*(passage.connection() for _ in range(CONNECTIONS)))
    await mails.close_runs()
    return Report(passage.sent, passage.kept, tuple(dict.fromkeys(passage.problems)))


def _due() -> tuple[Any, ...]:
    return Mail.state.is_in(list(CLAIMABLE)), Mail.next_at <= SETTINGS.now()


@dataclass(frozen=True)
class _Outcome:
    """What is to be recorded of a claimed mail."""

    mail: Row
    state: MailState
    answer: str


class _Passage:
    def __init__(self, per_minute: int, stop: asyncio.Event) -> None:
        self.sent = self.kept = 0
        self.problems: list[str] = []
        self._interval_s = 60 / per_minute if per_minute else 0.0
        self._next_s = 0.0
        self._stop = stop
        self._ids: deque[int] = deque()
        self._turn = asyncio.Lock()

    async def connection(self) -> None:
        """Mails one after the other on one connection, until none is due, or until the server is away."""
        outcome = None
        async with Post() as post:
            while mail := await self._record_and_claim(outcome):
                outcome = await self._hand_over(post, mail)

    async def _record_and_claim(self, outcome: _Outcome | None) -> Row | None:
        """One transaction for the end of a mail and the beginning of the next."""
        if self._interval_s and outcome:
            async with self._turn, transaction():
                await self._record(outcome)
            outcome = None
        await self._pace()
        async with self._turn, transaction():
            if outcome:
                await self._record(outcome)
            return None if self._stop.is_set() else await self._claim()

    async def _pace(self) -> None:
        loop = asyncio.get_running_loop()
        if self._interval_s:
            self._next_s = max(loop.time(), self._next_s + self._interval_s)
            await asyncio.sleep(self._next_s - loop.time())

    async def _claim(self) -> Row | None:
        """The next mail, ours alone: whoever comes second finds it in another state."""
        while True:
            if not self._ids:
                due = await Mail.select(Mail.id).where(*_due()).order_by(Mail.next_at, Mail.id).limit(AHEAD)
                self._ids.extend(row["id"] for row in due)
            if not self._ids:
                return None
            claim = Mail.update(
                {Mail.state: MailState.sending, Mail.attempts: Mail.attempts + 1, Mail.claimed_at: datetime.now(UTC)}
            )
            if ours := await claim.where(Mail.id == self._ids.popleft(), *_due()).returning(*Mail.all_columns()):
                return ours[0]

    async def _hand_over(self, post: Post, mail: Row) -> _Outcome:
        on_loopback = post.server.on_loopback and not SETTINGS.production
        allowed = SETTINGS.mail_allow_list
        if not law.may_leave(mail["recipient"], allowed) and (allowed or not (SETTINGS.production or on_loopback)):
            return _Outcome(mail, MailState.withheld, "Mode d'essai : cette adresse n'est pas dans MAIL_ALLOW_LIST.")
        try:
            answer = await post.hand_over(law.address(mail["sender"]), law.address(mail["recipient"]), as_sent(mail))
            return _Outcome(mail, answer.state, answer.text)
        except ServerAway as reason:
            self._stop.set()
            self.problems.append(str(reason))
            return _Outcome(mail, MailState.waiting, str(reason))
        except RuleError as reason:
            return _Outcome(mail, MailState.failed, str(reason))

    async def _record(self, outcome: _Outcome) -> None:
        mail, now = outcome.mail, SETTINGS.now()
        values: dict[Any, Any] = {Mail.state: outcome.state, Mail.answer: outcome.answer}
        if outcome.state == MailState.sent:
            values[Mail.sent_at] = now
        elif outcome.state == MailState.waiting and (delay := law.next_try(mail["retries"] + 1)):
            values |= {Mail.retries: mail["retries"] + 1, Mail.next_at: now + delay}
        elif outcome.state == MailState.waiting:
            given_up = f"Abandonné après 48 h de refus. Dernière réponse : {outcome.answer}"
            values |= {Mail.state: MailState.failed, Mail.answer: given_up}
        self.sent += outcome.state == MailState.sent
        self.kept += outcome.state != MailState.sent
        if outcome.state in (MailState.failed, MailState.in_doubt):
            self.problems.append(f"{mail['recipient']} : {outcome.answer}")
        ours = Mail.state.is_in([MailState.sending, MailState.in_doubt])
        await Mail.update(values).where(Mail.id == mail["id"], Mail.attempts == mail["attempts"], ours)


def as_sent(mail: Row) -> bytes:
    """The message of a row, byte for byte but for the boundaries of its parts. Raises BadMail, NotTheSameFile."""
    files = tuple(_file(**reference) for reference in json.loads(mail["attachments"]))
    fields = {name: mail[name] for name in ("sender_name", "sender", "recipient", "subject", "text", "html", "message_id")}
    return mime(Letter(**fields, written_at=mail["created_at"], files=files))


def _file(name: str, path: str, sha256: str, cid: str = "") -> File:
    place = SETTINGS.data_dir / path
    data = place.read_bytes() if place.is_file() else b""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise NotTheSameFile(f"La pièce jointe {name} n'est plus celle qui a été écrite. Retrouvez-la, puis renvoyez.")
    return File(name, data, cid)
