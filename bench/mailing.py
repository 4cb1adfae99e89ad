"""Invoice mails with a PDF handed to a server of this machine, which stands in a process of its own and counts them."""

import asyncio
import hashlib
import random
import subprocess
import sys
from typing import Any

from aiosmtpd.smtp import SMTP

from bench.clock import Clock
from gateways.files import publish_bytes
from gateways.settings import SETTINGS
from jobs.mails import Attachment, NewMail, enqueue
from jobs.mails.sending import CONNECTIONS, send_due
from jobs.words import composer
from rules.states import MailKind
from tables.engine import transaction

MAILS, PDF_BYTES = 5_000, 70_000
CONTEXT = {
    "customer_name": "Menuiserie Exemple", "customer_number": "C1", "contact_name": "Zoé Exemple", "document": "Facture",
    "number": "F2026-000001", "issued_on": "1er novembre 2026", "due_on": "1er décembre 2026", "month": "octobre 2026",
    "incl_vat": "1 204,86 €", "payment_sentence": "À payer au plus tard le 1er décembre 2026.",
}  # fmt: skip


async def race() -> dict[str, Any]:
    """Written in one transaction, then sent on a few connections; seconds, and how many the server counted."""
    pdf = b"%PDF-1.7" + random.Random(7).randbytes(PDF_BYTES)
    publish_bytes(SETTINGS.data_dir / "mailing.pdf", pdf)
    attached = (Attachment("F2026-000001.pdf", "mailing.pdf", hashlib.sha256(pdf).hexdigest()),)
    server = subprocess.Popen([sys.executable, "-m", "bench.mailing"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    SETTINGS.smtp_url = f"smtp://127.0.0.1:{server.stdout.readline().strip()}"
    with Clock() as written:
        compose = await composer(MailKind.invoice_issued)
        words = [compose(CONTEXT) for _ in range(MAILS)]
        async with transaction():
            await enqueue(
                [
                    NewMail(MailKind.invoice_issued, f"client.{number}@x.example", said, None, attached)
                    for number, said in enumerate(words)
                ]
            )
    with Clock() as clock:
        report = await send_due()
    counted = int(server.communicate("")[0])
    figures = {"sent": report.done, "counted": counted, "kb": PDF_BYTES // 1000, "connections": CONNECTIONS}
    return {**clock.figures, **figures, "write_s": written.seconds}


class Counter:
    def __init__(self) -> None:
        self.mails = 0

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        self.mails += 1
        return "250 OK"


async def serve() -> None:
    counter = Counter()
    listening = await asyncio.get_running_loop().create_server(lambda: SMTP(counter), "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(counter.mails, flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
