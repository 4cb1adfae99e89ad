"""The life of a billing run: started, computed in a process of its own, waived, validated, printed, resumed, cancelled."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from gateways.files import Busy, is_locked, take_lock
from gateways.settings import SETTINGS
from jobs import reseller, worker
from jobs.billing import draft as drafting
from jobs.billing.draft import draft
from jobs.billing.paper import print_run
from jobs.billing.validate import validate
from rules.errors import RuleError
from rules.paris import Month
from rules.states import COMPUTING, InvoiceState, RunState, Severity
from tables.billing import BillingRun, Finding, Waiver
from tables.engine import NOT_UNIQUE, claim, transaction
from tables.invoices import Invoice
from tables.timeline import tell

Row = dict[str, Any]
CONFLICT, NOT_FOUND = 409, 404
LOCK = "run.lock"
PATIENCE = 200  # times 50 ms


class UnknownRun(RuleError):
    status = NOT_FOUND


class RunBusy(RuleError):
    """A run computes, or the move is not one that the run's state allows."""

    status = CONFLICT


class BlockingFindings(RuleError):
    """What keeps a run from being validated; `errors` names each finding."""

    status = CONFLICT

    def __init__(self, message: str, errors: list[Row]) -> None:
        super().__init__(message)
        self.errors = errors


STAGES = {
    # stage: the states from which it starts, the states in which it works, the state in which it ends
    "draft": (
        (RunState.controlled, RunState.validated, RunState.printed, RunState.sending, RunState.sent),
        (RunState.queued, RunState.rating, RunState.drafting),
        RunState.controlled,
    ),
    "validate": ((RunState.controlled,), (RunState.validating,), RunState.validated),
    "print": ((RunState.validated,), (RunState.printing,), RunState.printed),
}


Work = Callable[[int], Awaitable[None]]


async def spawn(run_id: int, *further: str) -> None:
    """Let another process do the work, and further stages after it: Typst must never be forked, and pages must answer meanwhile.

    The child is born with the lock, so that a run whose worker lives is never taken for one whose worker died.
    """
    for _ in range(PATIENCE):
        try:
            held = take_lock(SETTINGS.data_dir / LOCK)
            break
        except Busy:  # a worker that has just finished is on its way out
            await asyncio.sleep(0.05)
    else:
        raise await _busy()
    with held:
        await worker.start("billing", run_id, *further, held=[held.fileno()])


async def start(month: Month, actor: str, work: Work = spawn) -> tuple[Row, bool]:
    """The run of a month and whether it is new; a new one begins to compute. Raises RunBusy while any run computes."""
    found = await find(month)
    if found and RunState(found["state"]) in COMPUTING:
        raise await _busy()
    if found:
        return found, False
    await reseller.current()
    try:
        async with transaction():
            run = BillingRun(month=str(month), state=RunState.queued, stage="draft", actor=actor)
            await run.save()
            await tell(actor, "started", "billing_run", run.id, after={"month": str(month)})
    except NOT_UNIQUE as reason:
        raise await _busy() from reason
    await work(run.id)
    return await get(run.id), True


async def begin(run_id: int, stage: str, actor: str, work: Work = spawn) -> Row:
    """Move a run into a stage and let `work` do it; one caller wins, and what is under way or done is left so.

    Raises RunBusy; validate also BlockingFindings.
    """
    run = await get(run_id)
    sources, working, end = STAGES[stage]
    if run["state"] in working or (stage != "draft" and run["state"] == end):
        return run
    if stage == "validate":
        await _check(run)
    try:
        async with transaction():
            entering = {BillingRun.state: working[0], BillingRun.stage: stage, BillingRun.error: "", BillingRun.actor: actor}
            moved = await claim(BillingRun, entering, BillingRun.id == run_id, BillingRun.state.is_in(list(sources)))
            if moved:
                await tell(actor, stage, "billing_run", run_id)
    except NOT_UNIQUE as reason:
        raise await _busy() from reason
    if not moved:
        now = RunState(run["state"]).label.lower()
        raise RunBusy(f"La facturation {Month.parse(run['month']).of_french} est dans l'état « {now} » : ce n'est pas le moment.")
    await work(run_id)
    return await get(run_id)


async def perform(run_id: int, now: datetime) -> None:
    """Do the stage in which a run stands, to its end, in a process that holds the lock."""
    run = await get(run_id)
    stage = run["stage"]
    if RunState(run["state"]) not in COMPUTING:
        return

    async def progress(done: int, total: int) -> None:
        if done % max(1, total // 100) == 0:
            await BillingRun.update({BillingRun.done: done, BillingRun.total: total}).where(BillingRun.id == run_id)

    try:
        if stage == "draft":
            await _set(run_id, RunState.rating)
            with _no_search_for_cycles():
                await draft(run, progress)
        elif stage == "validate":
            await validate(run, now, progress)
        else:
            await print_run(run, progress)
    except Exception as reason:
        await BillingRun.update({BillingRun.state: RunState.failed, BillingRun.error: str(reason)[:2000]}).where(
            BillingRun.id == run_id
        )
        raise
    await _set(run_id, STAGES[stage][2])


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """A month is a million small values that hold no cycle: looking for one among them took an eighth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _set(run_id: int, state: RunState) -> None:
    await BillingRun.update({BillingRun.state: state, BillingRun.done: 0, BillingRun.total: 0}).where(BillingRun.id == run_id)


def working() -> bool:
    """Whether a living process is at work on a run."""
    return is_locked(SETTINGS.data_dir / LOCK)


async def resume(run_id: int, work: Work = spawn) -> Row:
    """Take up a run whose worker died, or that failed; one that works or rests is left alone. Raises RunBusy."""
    run = await get(run_id)
    if run["state"] == RunState.failed:
        try:
            await BillingRun.update({BillingRun.state: STAGES[run["stage"]][1][0], BillingRun.error: ""}).where(
                BillingRun.id == run_id
            )
        except NOT_UNIQUE as reason:
            raise await _busy() from reason
        await work(run_id)
    elif RunState(run["state"]) in COMPUTING and not working():
        await work(run_id)
    return await get(run_id)


async def cancel(run_id: int, actor: str) -> Row:
    """Give up a run of which nothing is validated. Raises RunBusy."""
    run = await get(run_id)
    validated = await Invoice.exists().where(Invoice.run == run_id, Invoice.state == InvoiceState.validated)
    if RunState(run["state"]) not in (RunState.controlled, RunState.failed, RunState.cancelled) or validated:
        raise RunBusy("Une facturation en cours ou validée ne s'annule pas. Un avoir corrige une facture validée.")
    if run["state"] != RunState.cancelled:
        await drafting.clear(run_id)
        async with transaction():
            await BillingRun.update({BillingRun.state: RunState.cancelled}).where(BillingRun.id == run_id)
            await tell(actor, "cancelled", "billing_run", run_id)
    return await get(run_id)


async def waive(run_id: int, code: str, customer_number: str | None, msisdn: str | None, reason: str, actor: str) -> None:
    """Let a finding pass, with a reason. Repeating it changes nothing. Raises RuleError when there is no such finding."""
    if not reason.strip():
        raise RuleError("Une dérogation a besoin d'un motif : dites pourquoi cette anomalie peut passer.")
    found, known = [await table.exists().where(_is(table, run_id, code, customer_number, msisdn)) for table in (Finding, Waiver)]
    if not found:
        raise RuleError("Aucune anomalie de ce nom dans cette facturation.")
    if not known:
        async with transaction():
            about: Row = {"code": code, "customer_number": customer_number, "msisdn": msisdn}
            await Waiver(run=run_id, actor=actor, reason=reason.strip(), **about).save()
            await tell(actor, "waived", "billing_run", run_id, after=about | {"reason": reason})


def _is(table: Any, run_id: int, code: str, customer_number: str | None, msisdn: str | None):
    customer = table.customer_number == customer_number if customer_number else table.customer_number.is_null()
    line = table.msisdn == msisdn if msisdn else table.msisdn.is_null()
    return (table.run == run_id) & (table.code == code) & customer & line


async def controls(run_id: int) -> list[Row]:
    """The findings of a run, each with `waived`."""
    waived = {(row["code"], row["customer_number"], row["msisdn"]) for row in await Waiver.select().where(Waiver.run == run_id)}
    rows = (
        await Finding.select(Finding.code, Finding.severity, Finding.customer_number, Finding.msisdn, Finding.message)
        .where(Finding.run == run_id)
        .order_by(Finding.severity, Finding.id)
    )
    return [row | {"waived": (row["code"], row["customer_number"], row["msisdn"]) in waived} for row in rows]


async def find(month: Month) -> Row | None:
    """The run of a month that is not cancelled."""
    return await BillingRun.select().where(BillingRun.month == str(month), BillingRun.state != RunState.cancelled).first()


async def get(run_id: int) -> Row:
    run = await BillingRun.select().where(BillingRun.id == run_id).first()
    if not run:
        raise UnknownRun("Aucune facturation de ce numéro.")
    return run


async def _check(run: Row) -> None:
    found = await controls(run["id"])
    open_ = [row for row in found if row["severity"] == Severity.blocking and not row["waived"]]
    missing = reseller.missing(await reseller.current())
    if missing:
        raise BlockingFindings(f"La fiche de l'intégrateur est incomplète : {', '.join(missing)}.", [])
    if open_:
        raise BlockingFindings(f"{len(open_)} anomalies bloquantes restent à lever ou à déroger.", [_error(row) for row in open_])


def _error(finding: Row) -> Row:
    """A finding as an entry of a problem document; it is about a line, else about a customer."""
    field = "msisdn" if finding["msisdn"] else "customer_number"
    return {"code": finding["code"], "message": finding["message"], "field": field, "value": finding[field]}


async def _busy() -> RunBusy:
    run = await BillingRun.select().where(BillingRun.state.is_in(list(COMPUTING))).first()
    who = f" (mois {run['month']}, {run['actor'] or 'sans nom'}, {RunState(run['state']).label.lower()})" if run else ""
    return RunBusy(f"Une facturation est déjà en cours{who}. Attendez sa fin.")
