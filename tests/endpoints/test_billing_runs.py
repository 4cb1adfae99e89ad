"""The month by API, its work done by the real worker in a process of its own."""

import asyncio
import io
import json
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "demo"
EXPECTED = json.loads((DEMO / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
async def month(program, database_env, monkeypatch):
    """The demo imported and loaded by API; the worker finds this test's own database."""
    for name, value in database_env.items():
        monkeypatch.setenv(name, value)
    seller = (await program.get("/api/reseller")).json() | {"first_month": "2026-10"}
    assert (await program.put("/api/reseller", json=seller)).status_code == 200
    for kind in ("offers", "rates", "roaming_zones", "sims", "customers", "lines"):
        report = await send(program, f"/api/imports/{kind}?mode=all", f"{kind}.csv", code="STD", valid_from="2026-09-01")
        assert report["errors"] == []
        assert report["created"] == report["rows"] > 0
    for path in sorted((DEMO / "BilledCDRs/MOBILE").iterdir()):
        report = await send(program, "/api/imports/cdrs", f"BilledCDRs/MOBILE/{path.name}")
        assert report["created"] + report["rejected"] == report["rows"]
    return program


async def send(program, address, name, **form):
    answer = await program.post(address, files={"file": (name, (DEMO / name).read_bytes())}, data=form)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def until(program, run_id, state):
    for _ in range(600):
        run = (await program.get(f"/api/billing-runs/{run_id}")).json()
        if run["state"] == state:
            return run
        assert run["state"] != "failed", run["error"]
        assert not run["interrupted"]
        await asyncio.sleep(0.1)
    raise AssertionError(run)


async def test_a_month_from_files_to_numbered_pdfs(month):
    dry = (await month.post("/api/billing-runs?dry_run=true", json={"month": "2026-10"})).json()
    assert dry["id"] is None
    assert {key: dry["totals"][key] for key in EXPECTED["totals"]} == EXPECTED["totals"]

    started = await month.post("/api/billing-runs", json={"month": "2026-10"})
    assert (started.status_code, started.json()["state"]) == (202, "queued")
    run_id = started.json()["id"]
    busy = await month.post("/api/billing-runs", json={"month": "2026-11"})
    assert (busy.status_code, busy.json()["errors"][0]["code"]) == (409, "RUN_BUSY")
    run = await until(month, run_id, "controlled")
    assert {key: run["totals"][key] for key in EXPECTED["totals"]} == EXPECTED["totals"]
    again = await month.post("/api/billing-runs", json={"month": "2026-10"})
    assert (again.status_code, again.json()["id"]) == (200, run_id)

    refused = await month.post(f"/api/billing-runs/{run_id}/validate")
    assert refused.status_code == 409
    blocking = [row for row in run["controls"] if row["severity"] == "blocking"]
    assert {error["code"] for error in refused.json()["errors"]} == {row["code"] for row in blocking} == {"UNRATED"}
    for row in blocking:
        waiver = {key: row[key] for key in ("code", "customer_number", "msisdn")} | {"reason": "essai"}
        assert (await month.post(f"/api/billing-runs/{run_id}/waivers", json=waiver)).status_code == 202

    assert (await month.post(f"/api/billing-runs/{run_id}/validate")).status_code == 202
    await until(month, run_id, "validated")
    assert (await month.post(f"/api/billing-runs/{run_id}/validate")).json()["state"] == "validated"
    assert (await month.post(f"/api/billing-runs/{run_id}/print")).status_code == 202
    await until(month, run_id, "printed")

    listed = (await month.get(f"/api/billing-runs/{run_id}/invoices?limit=100")).json()
    wanted = [
        {key: row[key] for key in ("customer_number", "excl_vat_cents", "vat_cents", "incl_vat_cents")}
        for row in EXPECTED["customers"]
    ]
    assert [{key: row[key] for key in wanted[0]} for row in listed["items"]] == wanted
    assert [len(row["lines"]) for row in listed["items"]] == [row["lines"] for row in EXPECTED["customers"]]
    numbers = sorted(row["number"] for row in listed["items"])
    assert numbers == [f"A2026-{n:06d}" for n in (1, 2)] + [f"F2026-{n:06d}" for n in range(1, 38)]

    usage = (await month.get(f"/api/billing-runs/{run_id}/usage?limit=100000")).json()
    assert sum(row["amount_micro"] for row in usage["items"]) == EXPECTED["totals"]["amount_micro"]
    first = await month.get(f"/api/invoices/{numbers[-1]}.pdf")
    assert first.content.startswith(b"%PDF-")
    assert first.content == (await month.get(f"/api/invoices/{numbers[-1]}.pdf")).content
    archive = zipfile.ZipFile(io.BytesIO((await month.get(f"/api/billing-runs/{run_id}/invoices.zip")).content))
    assert sha256(archive.read(f"{numbers[-1]}.pdf")).digest() == sha256(first.content).digest()
    summary = (await month.get(f"/api/billing-runs/{run_id}/summary.csv")).text
    assert summary.startswith("\ufeffNuméro;Date;")
    assert len(summary.splitlines()) == 40


async def test_the_same_cdr_file_is_known_by_its_content(month):
    name = "BilledCDRs/MOBILE/CDR_MOBILE_20261001-20261004.csv"
    report = await send(month, "/api/imports/cdrs", name)
    assert (report["duplicate_file"], report["created"], report["rows"]) == (True, 0, 0)
    files = (await month.get("/api/cdr-files")).json()
    assert files["total"] == 9
    oldest = files["items"][-1]
    rejects = (await month.get(f"/api/cdr-files/{oldest['id']}/rejects.csv")).text
    assert len(rejects.splitlines()) == 1 + oldest["rejected"]
    assert (await month.get(f"/api/imports/{report['batch_id']}/errors.csv")).text == rejects


async def test_a_preview_of_cdrs_writes_nothing(program):
    answer = await program.post(
        "/api/imports/cdrs?mode=preview", files={"file": ("a.csv", b"type;msisdn;started_at\nVOICE;06;x\n")}
    )
    assert answer.json()["rejects_by_cause"] == {"BAD_NUMBER": 1}
    assert answer.json()["batch_id"] is None
    assert (await program.get("/api/cdr-files")).json()["total"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/billing-runs", {"month": "octobre"}, 422),
        ("POST", "/api/billing-runs", {"month": "2026-13"}, 422),
        ("POST", "/api/billing-runs", {"mois": "2026-10"}, 422),
        ("GET", "/api/billing-runs/99", None, 404),
        ("POST", "/api/billing-runs/99/validate", None, 404),
        ("GET", "/api/billing-runs/99/invoices", None, 404),
        ("GET", "/api/invoices/F2026-000001.pdf", None, 404),
        ("GET", "/api/invoices/..%2f..%2fapp.py", None, 404),
        ("GET", "/api/cdr-files/99/rejects.csv", None, 404),
        ("GET", "/api/cdr-files?limit=100001", None, 422),
    ],
)
async def test_what_is_wrong_is_a_problem_document(program, method, path, body, status):
    answer = await program.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert set(answer.json()) >= {"type", "title", "status", "detail", "errors"}
