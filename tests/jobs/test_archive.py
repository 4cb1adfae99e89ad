"""The archive is verified by a program that knows nothing of ours; whatever is changed in it is named."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import billed_month
import month_samples
import pytest

from gateways.settings import SETTINGS
from jobs import documents
from jobs.seals import archive, verify
from rules.period import Period
from tables.invoices import SealedDocument

EVERY = Period.parse("2000-01-01", "2099-12-31")


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    return month_samples.make(tmp_path_factory.mktemp("archive") / "one", customers=5, lines=10, cdrs=60)


@pytest.fixture
async def sealed(database, source, monkeypatch):
    await billed_month.load(source, monkeypatch)
    await billed_month.seal(await billed_month.draft())


async def written(target, period=None):
    with open(target, "wb") as file:
        async for piece in archive.stream(period):
            file.write(piece)
    return target


def judged(path, folder):
    """What the program inside says, run by a bare Python elsewhere: its answer and its words."""
    with zipfile.ZipFile(path) as kept:
        (folder / "verify_archive.py").write_bytes(kept.read("verify_archive.py"))
    command = [sys.executable, "-I", str(folder / "verify_archive.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, encoding="utf-8", env={"PYTHONUTF8": "1"})
    return done.returncode, done.stdout + done.stderr


def changed(path, target, change):
    """The same archive with `change(name, data)` for each of its files; None takes it away."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if (data := change(name, old.read(name))) is not None:
                new.writestr(name, data)
    return target


async def test_an_archive_is_whole_and_its_own_program_says_so(sealed, tmp_path):
    path = await written(tmp_path / "a.zip")
    code, words = judged(path, tmp_path)
    told = await documents.totals(EVERY)
    assert code == 0, words
    assert f"Conforme : {told['documents']} documents, total TTC {told['incl_vat_cents'] / 100:.2f} euros." in words
    await verify.verify()
    for series, (rank, sha256) in (await verify.last())["heads"].items():
        assert f"  {series} : {rank} sceaux, du rang 1 au rang {rank}, dernier sceau {sha256}\n" in words
    with zipfile.ZipFile(path) as kept:
        assert sum(name.startswith("papers/") for name in kept.namelist()) == await SealedDocument.count()
        for row in await SealedDocument.select(SealedDocument.name, SealedDocument.path):
            assert kept.read(f"papers/{row['name']}") == (SETTINGS.data_dir / row["path"]).read_bytes()


async def test_a_period_has_its_part_of_each_chain(sealed, tmp_path):
    day = Period.parse("2026-11-02", "2026-11-02")
    assert judged(await written(tmp_path / "day.zip", day), tmp_path)[0] == 0
    code, words = judged(await written(tmp_path / "none.zip", Period.parse("2026-12-01", "2026-12-31")), tmp_path)
    assert (code, words.strip()) == (0, "Conforme : 0 documents, total TTC 0.00 euros.")


async def test_whatever_changes_in_an_archive_is_named(sealed, tmp_path):
    path = await written(tmp_path / "a.zip")
    with zipfile.ZipFile(path) as kept:
        names = kept.namelist()
    pdf, second = "papers/F2026-000002.pdf", b'"F2026-{counter:06}", "rank": 2,'
    numbered = b'\\"number\\":\\"F2026-000002'
    assert pdf in names

    def only(wanted, change):
        return lambda name, data: change(data) if name == wanted else data

    def lines(change):
        return only("documents.jsonl", lambda data: b"".join(change(data.splitlines(keepends=True))))

    def edited(rows, **values):
        return [
            json.dumps(json.loads(row) | values).encode() + b"\n" if b'"number\\":\\"F2026-000002\\"' in row else row
            for row in rows
        ]

    for what, word, change in (
        ("a PDF", "F2026-000002.pdf : ce fichier n'est pas celui", only(pdf, lambda data: data + b" ")),
        ("a PDF gone", "F2026-000002.pdf : ce fichier manque", only(pdf, lambda data: None)),
        ("an amount", "F2026-000002 : son sceau n'est pas celui",
            only("documents.jsonl", lambda data: data.replace(numbered, b'\\"x\\":1,' + numbered, 1))),
        ("a frozen document", "F2026-000002 : son contenu", lines(lambda rows: edited(rows, document="{}"))),
        ("a rank", "F2026-000002 : ", lines(lambda rows: edited(rows, rank=9))),
        ("a document gone", "F2026-000003 : un document manque", lines(lambda rows: [row for row in rows if second not in row])),
        ("two that change places", "F2026-", lines(lambda rows: [*rows[:-2], rows[-1], rows[-2]])),
        ("the last gone", "la série n'est pas celle du manifeste", lines(lambda rows: rows[:-1])),
        ("the first gone", "A2026-", lines(lambda rows: rows[1:])),
        ("the program", "verify_archive.py : ce n'est pas", only("verify_archive.py", lambda data: data + b"#")),
        ("a total", "totaux", only("manifest.json", lambda data: data.replace(b'"vat_cents": ', b'"vat_cents": 1'))),
        ("a head", "la série n'est pas", only("manifest.json", lambda data: data.replace(b'"last": ', b'"last": 1'))),
        ("no manifest", "ne se lit pas", only("manifest.json", lambda data: None)),
    ):  # fmt: skip
        code, words = judged(changed(path, tmp_path / "b.zip", change), tmp_path)
        assert code == 1 and word in words, (what, words)
    with zipfile.ZipFile(path, "a") as kept:
        kept.writestr("papers/F2026-000999.pdf", b"%PDF")
    code, words = judged(path, tmp_path)
    assert code == 1 and "papers/F2026-000999.pdf : ce fichier n'est pas du nombre." in words
    broken = Path(tmp_path / "c.zip")
    broken.write_bytes(b"PK")
    done = subprocess.run([sys.executable, str(archive.VERIFIER), str(broken)], capture_output=True, text=True)
    assert done.returncode == 1 and "ne se lit pas" in done.stderr and "Traceback" not in done.stderr


async def test_a_document_that_was_changed_before_is_exported_and_named(sealed, tmp_path):
    """The archive tells what is there: a file that is lost is missing in it, and the program says so."""
    row = await SealedDocument.select(SealedDocument.name, SealedDocument.path).first()
    (SETTINGS.data_dir / row["path"]).unlink()
    code, words = judged(await written(tmp_path / "a.zip"), tmp_path)
    assert code == 1 and f"{row['name']} : ce fichier manquait déjà chez l'émetteur." in words
