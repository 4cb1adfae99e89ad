"""What no answer goes without, and what no request may be (promises X-02, X-07, J7)."""

import json

import pytest

from endpoints import outer
from gateways.settings import SETTINGS

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
ANSWERS = [
    ("GET", "/", 303), ("GET", "/entrer", 200), ("GET", "/nulle-part", 404), ("POST", "/entrer", 403), ("DELETE", "/entrer", 405),
    ("GET", "/healthz", 200), ("GET", "/api/reseller", 401), ("GET", "/api/docs", 200), ("GET", "/api/schema/openapi.json", 200),
    ("GET", "/marque/couleurs.css", 200), ("GET", "/marque/logo.png", 404),
    ("GET", "/admin", 307), ("GET", "/admin/", 200), ("GET", "/admin/api/tables/", 401), ("GET", "/admin/public/meta/", 200),
    ("GET", "/admin/nulle-part", 404), ("GET", "/static/style.css", 200), ("GET", "/static/nulle-part", 404),
    ("GET", "/a//x", 404), ("GET", "/acces/inconnu", 404), ("POST", "/jobs/purge", 401),
]  # fmt: skip


async def test_every_answer_carries_the_security_headers(visitor):
    for method, path, status in ANSWERS:
        answer = await visitor.request(method, path)
        assert answer.status_code == status, path
        assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS, path
        rules = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= {
            *rules
        }
        assert "unsafe" not in str(rules), path
        kept = path.startswith(("/static/", "/marque/couleurs"))
        assert ("no-store" in answer.headers.get("cache-control", "")) is not kept, path


async def test_only_production_promises_https(visitor, monkeypatch):
    assert "strict-transport-security" not in (await visitor.get("/healthz")).headers
    monkeypatch.setattr(SETTINGS, "production", True)
    assert "max-age" in (await visitor.get("/healthz")).headers["strict-transport-security"]


@pytest.mark.parametrize(
    "path", ["/entrer", "/admin/public/login/", "/admin/api/tables/customer/", "/api/reseller", "/nulle-part"]
)
async def test_a_body_over_one_megabyte_is_413_also_under_mounts_and_without_length(program, path):
    method = "PUT" if path == "/api/reseller" else "POST"
    announced = await program.request(method, path, content=b"x" * (outer.MEGABYTE + 1))
    assert announced.status_code == 413

    sent = 0

    async def endless():
        nonlocal sent
        while sent < 50:
            sent += 1
            yield b"x" * 100_000

    form = {"content-type": "application/x-www-form-urlencoded"} if path == "/entrer" else {}
    told_late = await program.request(method, path, content=endless(), headers=form)
    if path != "/nulle-part":  # where nobody reads, nobody counts
        assert told_late.status_code == 413
        assert told_late.headers["x-content-type-options"] == "nosniff"
    assert sent <= 12, "reading stopped at the limit"


async def test_a_413_is_a_problem_document_for_programs(program):
    answer = await program.put("/api/reseller", content=b"x" * 2_000_000)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 413


def test_imports_may_bring_more_and_cdrs_the_most():
    assert outer.body_limit("/api/imports/customers") == 10 * 1024 * 1024
    assert outer.body_limit("/api/imports/cdrs") == 200 * 1024 * 1024
    assert outer.body_limit("/api/reseller") == outer.body_limit("/facturation") == 1024 * 1024


@pytest.mark.parametrize(
    "host, served",
    [("lc.example", True), ("lc.example:8443", True), ("evil.example", False), ("lc.example.evil.example", False), ("[", False)],
)
async def test_only_our_host_names_are_served(visitor, monkeypatch, host, served):
    monkeypatch.setattr(SETTINGS, "allowed_hosts", ("lc.example",))
    answer = await visitor.get("/healthz", headers={"host": host})
    assert (answer.status_code == 200) is served


@pytest.mark.parametrize("path", ["//api/reseller", "/api//reseller", "/\\evil.example", "/%5Cevil.example"])
async def test_a_crooked_path_leads_nowhere(program, path):
    assert (await program.get(f"http://testserver{path}")).status_code == 404


@pytest.mark.parametrize("path", ["/acces/a%00b", "/entrer?suite=%00", "/admin/api/tables/customer/?city=%00"])
async def test_a_nul_in_an_address_is_refused(clerk, path):
    assert (await clerk.get(path)).status_code == 400


@pytest.mark.parametrize(
    "path, module", [("/api/reseller", "endpoints.reseller.current"), ("/acces/x", "endpoints.login.holder")]
)
async def test_a_breakdown_shows_a_code_and_logs_the_trace(program, monkeypatch, caplog, path, module):
    async def boom(*_):
        raise RuntimeError("very private\nsecond line")

    monkeypatch.setattr(module, boom)
    answer = await program.get(path)
    assert answer.status_code == 500
    assert "private" not in answer.text
    assert "Traceback" not in answer.text
    record = caplog.records[-1]
    assert record.facts["incident"] in answer.text
    assert "very private" in record.facts["trace"]
    assert record.facts["path"] == ("/acces/…" if path.startswith("/acces") else path)


async def test_a_breakdown_inside_the_generated_admin_is_no_different(clerk, monkeypatch):
    async def boom(*_, **__):
        raise RuntimeError("very private")

    monkeypatch.setattr("endpoints.admin_acts._row", boom)
    answer = await clerk.admin("PATCH", "api/tables/customer/1/", json={})
    assert answer.status_code == 500
    assert "private" not in answer.text
    assert "code" in answer.json()["detail"]


def test_a_log_event_is_one_line(capsys):
    import logging

    from endpoints.incidents import OneJsonLine

    record = logging.LogRecord("x", logging.ERROR, "", 0, "a\nb\x1b[31m\u2028c", None, None)
    line = OneJsonLine().format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert json.loads(line)["message"] == "a\nb\x1b[31m\u2028c"
