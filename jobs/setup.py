"""What `make run` does before it serves: migrate, load the demo into an empty database, say how to begin."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from gateways.settings import SETTINGS
from jobs import folder, reseller
from jobs.access import create_access_link
from rules.paris import Month
from tables.access import User
from tables.engine import engine
from tables.parties import Customer

ROOT = Path(__file__).parent.parent
DEMO, DEMO_MONTH = ROOT / "demo", Month(2026, 10)
FIRST_EMAIL = "admin@ligne-claire.example"


def migrate() -> None:
    """Bring the database to this release; nothing happens when it is there."""
    command = [sys.executable, "-m", "piccolo.main", "migrations", "forwards", "all"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode or "failed" in done.stdout:
        sys.exit(f"La base n'a pas pu être mise à jour.\n{done.stdout}{done.stderr}")


async def begin() -> None:
    await engine().start_connection_pool()
    try:
        if SETTINGS.demo and not await Customer.exists():
            await load_demo()
        print(f"\nLigne Claire : {SETTINGS.public_url}")
        if not await User.exists().where(User.active.eq(True)):
            path = await create_access_link(FIRST_EMAIL, datetime.now(UTC))
            print(f"Premier administrateur, lien à usage unique valable trente minutes : {SETTINGS.public_url}{path}")
        if SETTINGS.demo:
            print(
                f"Facturer la démonstration : page « Facturation », « Générer les brouillons » {DEMO_MONTH.of_french},"
                " lever ou déroger les anomalies, « Valider », puis « Télécharger »."
            )
        print("Arrêter : Ctrl+C\n", flush=True)
    finally:
        await engine().close_connection_pool()


async def load_demo() -> None:
    """A small month of a fictitious seller, whose documents bear a series of their own."""
    print("Chargement du mois de démonstration…", flush=True)
    await reseller.save(
        {"invoice_pattern": "TEST-F{year}-{counter:06}", "credit_note_pattern": "TEST-A{year}-{counter:06}"}, "demo"
    )
    await folder.import_reference(DEMO, DEMO_MONTH, SETTINGS.now(), "demo")
    await folder.load_cdrs(DEMO, SETTINGS.now())


if __name__ == "__main__":
    migrate()
    asyncio.run(begin())
