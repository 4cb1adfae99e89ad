"""What waits for a person today, and where the month stands."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from piccolo.query.methods.select import Count

from gateways.settings import SETTINGS
from jobs import cdr_news, mails, sims
from jobs.billing import overview
from jobs.money.balances import debts
from jobs.seals import verify
from rules.commitment import add_months
from rules.money import cents, micro
from rules.paris import Month, french_date, paris_date
from rules.states import (
    LIVING,
    ImportState,
    LineState,
    OrderState,
    PortState,
    RejectState,
    RequestState,
    RunState,
    Severity,
)  # fmt: skip
from tables.billing import BillingRun
from tables.catalogue import CommitmentType
from tables.changes import NetworkRequest
from tables.fleet import Line, LineItem
from tables.imports import ImportBatch
from tables.orders import Order, PortingRequest
from tables.usage import CdrReject

Row = dict[str, Any]
SOON_DAYS = 60
RECENT_DAYS = 7
MONTHS = 12
IN_SERVICE = [LineState.active, LineState.suspended_out, LineState.suspended_full, LineState.termination_scheduled]
COMING = [PortState.submitted, PortState.eligible, PortState.frozen]


@dataclass(frozen=True)
class Task:
    """`flat`: bad, wait or info; `press`: the word on its button."""

    count: int
    flat: str
    title: str
    note: str
    url: str
    press: str


@dataclass(frozen=True)
class Day:
    """`billing`: where the month stands, in a sentence."""

    today: date
    tasks: list[Task]
    billing: str


async def day(now: datetime) -> Day:
    today = paris_date(now)
    billing, blocking = await _billing(today)
    rest = [task async for task in _waiting(now, today) if task.count]
    order = {"bad": 0, "wait": 1, "info": 2}
    return Day(today, sorted([*blocking, *rest], key=lambda task: order[task.flat]), billing)


async def _billing(today: date) -> tuple[str, list[Task]]:
    """Where the month to show stands, and what it waits for."""
    month = await overview.month_to_show("", today)
    run = await overview.run_of(month)
    name, of, address = month.french.capitalize(), month.of_french, f"/facturation?mois={month}"
    if run is None:
        cdrs = (await overview.stored(month))["cdrs"]
        if not cdrs:
            return f"{name} n'est pas encore facturé.", []
        note = f"{cdrs} CDR chargés ; rien ne part encore, aucun numéro n'est pris"
        return f"{name} attend d'être facturé.", [Task(1, "info", f"Générer les brouillons {of}", note, address, "Ouvrir")]
    state, totals = RunState(run["state"]), run["totals"]
    documents = totals["invoices"] + totals["credit_notes"]
    if run["interrupted"] or state == RunState.failed:
        note = "Rien n'est perdu : reprenez là où il en était"
        return f"La facturation {of} s'est arrêtée.", [
            Task(1, "bad", f"Reprendre la facturation {of}", note, address, "Reprendre")
        ]
    if state == RunState.controlled:
        found = [row for row in run["controls"] if row["severity"] == Severity.blocking and not row["waived"]]
        if found:
            kinds = ", ".join(dict.fromkeys(overview.CONTROLS.get(row["code"], (row["code"],))[0] for row in found))
            task = Task(len(found), "bad", f"Lever les anomalies bloquantes {of}", kinds, address, "Contrôler")
            return f"{name} est contrôlé : des anomalies retiennent ses documents.", [task]
        task = Task(documents, "wait", f"Valider la facturation {of}", "Les documents sont contrôlés", address, "Valider")
        return f"{name} est contrôlé et attend d'être validé.", [task] if documents else []
    if state == RunState.validated:
        return f"{name} est validé.", [
            Task(documents, "wait", f"Éditer les factures {of}", "Il reste à faire les PDF", address, "Éditer")
        ]
    if state == RunState.printed:
        return f"{name} est édité.", [
            Task(documents, "wait", f"Envoyer les factures {of}", "Les PDF sont prêts", address, "Envoyer")
        ]
    return f"{name} : {state.label.lower()}.", []


async def _waiting(now: datetime, today: date) -> AsyncIterator[Task]:
    request, seen = NetworkRequest, NetworkRequest.seen == False  # noqa: E712
    refused = await request.count().where(request.state == RequestState.refused, seen)
    yield Task(
        refused,
        "bad",
        "Voir ce que le réseau a refusé",
        "Les lignes sont revenues à leur état d'avant",
        "/reseau?etat=refused",
        "Voir",
    )
    doubt = await request.count().where(request.state == RequestState.in_doubt)
    note = "Sans réponse du réseau ; rien ne sera renvoyé sans vous"
    yield Task(doubt, "bad", "Trancher les demandes restées sans réponse", note, "/reseau?etat=in_doubt", "Décider")
    broken = (await verify.last() or {}).get("problems", [])
    yield Task(len(broken), "bad", "Comprendre un scellé qui ne tient plus", "".join(broken[:1]), "/scelles", "Voir")
    posted = await mails.counts()
    yield Task(
        posted["in_doubt"],
        "bad",
        "Vérifier des messages peut-être partis",
        "L'envoi s'est interrompu",
        "/envois?etat=in_doubt",
        "Vérifier",
    )
    yield Task(
        posted["failed"],
        "bad",
        "Corriger les adresses refusées",
        "Le serveur du destinataire a dit non",
        "/envois?etat=failed",
        "Corriger",
    )
    batch = ImportBatch
    recent = batch.created_at >= now - timedelta(days=RECENT_DAYS)
    broken = await batch.count().where(
        recent, (batch.state == ImportState.refused) | ((batch.rejected > 0) & (batch.kind != "cdrs"))
    )
    yield Task(broken, "bad", "Corriger les imports en erreur", f"Des {RECENT_DAYS} derniers jours", "/imports", "Corriger")
    tomorrow = today + timedelta(days=1)
    ports = await PortingRequest.count().where(PortingRequest.porting_date == tomorrow, PortingRequest.state.is_in(COMING))
    yield Task(ports, "wait", "Confirmer les portabilités de demain", "Elles se figent aujourd'hui", "/portabilites", "Confirmer")
    drafts = await Order.count().where(Order.state == OrderState.draft)
    yield Task(
        drafts,
        "wait",
        "Valider les commandes en brouillon",
        "Leurs cartes ne restent réservées que 48\u00a0h",
        "/commandes?etat=draft",
        "Voir",
    )
    if SETTINGS.network_mode == "manual":
        queued = await request.count().where(request.state.is_in([RequestState.queued, RequestState.sent, RequestState.accepted]))
        yield Task(
            queued, "wait", "Traiter les demandes au réseau", "À faire chez l'opérateur, puis à marquer", "/reseau", "Traiter"
        )
    seen_first = await batch.count().where(batch.state == ImportState.previewed)
    yield Task(seen_first, "wait", "Confirmer les imports relus", "Rien n'est encore enregistré", "/imports", "Confirmer")
    rejects = await CdrReject.count().where(CdrReject.state == RejectState.open)
    yield Task(rejects, "wait", "Corriger ou écarter les CDR rejetés", "Ce qui n'est pas trié n'est pas facturé", "/cdr", "Trier")
    sentence, kind = await cdr_news.news(now)
    yield Task(
        int(kind in ("bad", "wait")),
        "bad" if kind == "bad" else "wait",
        "Regarder l'arrivée des CDR",
        sentence,
        "/cdr",
        "Regarder",
    )
    low = await sims.low_stock()
    names = ", ".join(f"{one.name or 'sans lot'} : {one.left}" for one in low[:3])
    yield Task(len(low), "wait", "Commander des cartes SIM", f"Lots qui s'épuisent : {names}", "/cartes/lots", "Voir")
    ending = await _ending(today)
    until = today + timedelta(days=SOON_DAYS)
    yield Task(
        ending,
        "info",
        "Appeler avant la fin d'engagement",
        f"Libres d'ici le {french_date(until)}",
        f"/parc?engagement={until}",
        "Voir",
    )


async def _ending(today: date) -> int:
    """The living lines whose commitment ends within SOON_DAYS."""
    soon: Any = None
    for kind in await CommitmentType.select(CommitmentType.id, CommitmentType.months).where(CommitmentType.months > 0):
        first, last = (add_months(today + timedelta(days=days), -kind["months"]) for days in (1, SOON_DAYS))
        here = (Line.commitment_type == kind["id"]) & (Line.commitment_start >= first) & (Line.commitment_start <= last)
        soon = here if soon is None else soon | here
    return 0 if soon is None else await Line.count().where(Line.state.is_in(list(LIVING)), soon)


@dataclass(frozen=True)
class Figures:
    """`recurring_cents`: subscriptions and options of a month, before discounts; `months`: the last billed, the oldest first.

    `late_cents`: what `late` customers owe past its due date.
    """

    lines: int
    opened: int
    closed: int
    recurring_cents: int
    months: list[Row]
    late_cents: int
    late: int


async def figures(now: datetime) -> Figures:
    today = paris_date(now)
    first = Month.of(today).first
    live = await Line.count().where(Line.state.is_in(IN_SERVICE))
    opened = await Line.count().where(Line.activated_on >= first, Line.activated_on <= today)
    closed = await Line.count().where(Line.terminated_on >= first, Line.terminated_on < today)
    late = [row for row in await debts() if row["due_on"] < today]
    owed, who = sum(row["left_cents"] for row in late), len({row["customer"] for row in late})
    return Figures(live, opened, closed, await _recurring(today), await _billed(Month.of(today)), owed, who)


async def _recurring(today: date) -> int:
    """Cents excl. VAT: each agreed price as often as it is met, added up as decimals and not by the database."""
    item = LineItem
    rows = await (
        item.select(item.monthly_price, Count(alias="items"))
        .where(
            item.starts_on <= today, item.ends_on.is_null() | (item.ends_on >= today),
            item.line.state.is_in(IN_SERVICE), item.monthly_price > 0,
        )
        .group_by(item.monthly_price)
    )  # fmt: skip
    return cents(micro(sum((Decimal(row["monthly_price"]) * row["items"] for row in rows), Decimal(0))))


async def _billed(current: Month) -> list[Row]:
    """The runs of the last months, each with its total and whether it is still a draft."""
    run = BillingRun
    rows = await run.select(run.month, run.state, run.totals).where(
        run.state != RunState.cancelled, run.month >= str(current.back(MONTHS)), run.month <= str(current)
    ).order_by(run.month)  # fmt: skip
    drafts = {RunState.queued, RunState.rating, RunState.drafting, RunState.controlled, RunState.validating, RunState.failed}
    told = [row | {"totals": json.loads(row["totals"]), "draft": RunState(row["state"]) in drafts} for row in rows]
    return [row for row in told if "incl_vat_cents" in row["totals"]]
