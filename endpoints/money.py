"""The pages of money: « Règlements » (accounts, the bank's statement), « Prélèvements », « Relances »."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Template

from endpoints.asked import Asked, Form
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import reseller
from jobs.money import balances, bank, debits, payments, reminders
from rules.files.cells import decimal, iso_date
from rules.paris import paris_date
from rules.receivables import AGE_LABELS, standing
from rules.rights import Right
from rules.states import DebitState, MandateType, PaymentMethod

HOME, DEBITS, REMINDERS = "/reglements", "/prelevements", "/relances"
SOON = timedelta(days=15)


@dataclass
class Dropped:
    fichier: UploadFile


Upload = Annotated[Dropped, Body(media_type=RequestEncodingType.MULTI_PART)]


@get(HOME, right=Right.see)
async def accounts(retard: bool = False) -> Template:
    """What each customer owes, by age."""
    rows = await balances.balances(paris_date(SETTINGS.now()))
    shown = [row for row in rows if row.late_cents or not retard]
    sums = [sum(row.ages[rank] for row in rows) for rank in range(len(AGE_LABELS))]
    return Template(
        "money.html", context={"rows": shown, "sums": sums, "ages": AGE_LABELS, "late_only": retard, "owing": len(rows)}
    )


@get(HOME + "/{number:str}", right=Right.see)
async def account(number: str) -> Template:
    today = paris_date(SETTINGS.now())
    found = await payments.account(number)
    for debt in found["debts"]:
        debt["standing"] = standing(debt["incl_vat_cents"], debt["paid_cents"], debt["due_on"], today)
    return Template("money_account.html", context=found | {"methods": PaymentMethod, "today": today})


@post(HOME + "/{number:str}", right=Right.money)
async def pay(request: Asked, number: str, data: Form) -> Redirect:
    cents = int(decimal(2)(data.get("montant", "").replace(" ", "").replace("\u202f", "") or "0") * Decimal(100))
    chosen = [_key(data.get("facture", ""))]
    await payments.record(
        number, cents, data.get("mode", ""), iso_date(data.get("recu", "")), data.get("reference", ""), invoices=chosen,
        key=data.get("cle") or None, actor=actor(request), now=SETTINGS.now(),
    )  # fmt: skip
    return Redirect(f"{HOME}/{number}", status_code=303)


@post(HOME + "/{number:str}/reprendre", right=Right.money)
async def take_back(request: Asked, number: str, data: Form) -> Redirect:
    await payments.reverse(_key(data.get("reglement", "")), data.get("motif", ""), actor=actor(request), now=SETTINGS.now())
    return Redirect(f"{HOME}/{number}", status_code=303)


@post(HOME + "/{number:str}/imputer", right=Right.money)
async def net(request: Asked, number: str) -> Redirect:
    """Put credit notes and what was paid too much on the oldest invoices."""
    await payments.net_one(number, actor=actor(request), now=SETTINGS.now())
    return Redirect(f"{HOME}/{number}", status_code=303)


@get("/banque", right=Right.see)
async def statement() -> Template:
    return Template("money_bank.html", context={"rows": None, "errors": [], "name": ""})


@post("/banque", status_code=200, right=Right.money)
async def statement_read(data: Upload) -> Template:
    """Whose is each credit of the statement; nothing is recorded yet."""
    name = bank.keep(await data.fichier.read())
    rows, errors = await bank.read(bank.kept(name), data.fichier.filename)
    return Template("money_bank.html", context={"rows": rows, "errors": errors, "name": name})


@post("/banque/enregistrer", status_code=200, right=Right.money)
async def statement_confirm(request: Asked) -> Template:
    form = await request.form()
    rows, _ = await bank.read(bank.kept(form.get("releve", "")), "releve")
    owners = {row.key: form.get(f"client-{row.line}", "") for row in rows if form.get(f"ligne-{row.line}")}
    done, refused = await bank.confirm(rows, owners, actor=actor(request), now=SETTINGS.now())
    return Template("money_bank_result.html", context={"done": done, "refused": refused})


@get(DEBITS, right=Right.see)
async def batches(jour: str = "") -> Template:
    """What may be collected on a day, and the batches made so far."""
    now = SETTINGS.now()
    day = iso_date(jour) if jour else _weekday(now)
    found = await debits.candidates(day)
    context = {
        "day": day, "ready": [one for one in found if not one.problem], "held": [one for one in found if one.problem],
        "types": MandateType, "batches": await debits.listing(), "states": DebitState, "seller": await reseller.current(),
    }  # fmt: skip
    return Template("money_debits.html", context=context)


@post(DEBITS, right=Right.money)
async def prepare(request: Asked, data: Form) -> Redirect:
    day, type_ = iso_date(data.get("jour", "")), data.get("type", "")
    batch = await debits.prepare(type_, day, actor=actor(request), now=SETTINGS.now())
    return Redirect(f"{DEBITS}/{batch}", status_code=303)


@get(DEBITS + "/{batch:int}", right=Right.see)
async def one_batch(batch: int) -> Template:
    return Template("money_debit.html", context={"batch": await debits.get(batch), "state": DebitState})


@get(DEBITS + "/{batch:int}/fichier.xml", right=Right.money)
async def batch_file(batch: int) -> Response[bytes]:
    """The very bytes that were made for the bank."""
    found = await debits.get(batch)
    headers = {"content-disposition": f'attachment; filename="{found["name"]}.xml"'}
    return Response((SETTINGS.data_dir / found["path"]).read_bytes(), media_type="application/xml", headers=headers)


@post(DEBITS + "/{batch:int}/{act:str}", right=Right.money)
async def move(request: Asked, batch: int, act: str) -> Redirect:
    await debits.move(batch, debits.act(act), actor=actor(request), now=SETTINGS.now())
    return Redirect(f"{DEBITS}/{batch}", status_code=303)


@post(DEBITS + "/rejets", status_code=200, right=Right.money)
async def returns(request: Asked, data: Upload) -> Template:
    """The bank's file of returns."""
    name, content = data.fichier.filename, await data.fichier.read()
    done, refused, errors = await bank.take_returns(content, name, actor=actor(request), now=SETTINGS.now())
    return Template("money_returns.html", context={"done": done, "refused": refused, "errors": errors})


@post(DEBITS + "/rejet", right=Right.money)
async def one_return(request: Asked, data: Form) -> Redirect:
    refused = await debits.returned([data.get("reference", "")], data.get("motif", ""), actor=actor(request), now=SETTINGS.now())
    if refused:
        raise debits.ReturnRefused(refused[0][1])
    return Redirect(f"{DEBITS}/{_key(data.get('remise', ''))}", status_code=303)


@get(REMINDERS, right=Right.see)
async def late() -> Template:
    """Invoices past their due date, the reminder that each gets next, and whom a person may want to restrict."""
    rows, seller = await reminders.late(SETTINGS.now()), await reseller.current()
    context: dict[str, Any] = {"rows": rows, "due": [row for row in rows if row.level and row.reachable]}
    context["to_suspend"] = await reminders.to_suspend(rows, seller.suspend_after_days)
    return Template("money_reminders.html", context=context | {"days": seller.reminder_days})


@post(REMINDERS, right=Right.mails)
async def remind(request: Asked) -> Redirect:
    """Write today's reminders; the outbox sends them."""
    now = SETTINGS.now()
    for one in await reminders.late(now):
        if one.level and one.reachable:
            await reminders.send(one, now, actor(request))
    return Redirect("/envois?etat=queued", status_code=303)


def _key(text: str) -> int:
    """A key as a form brings it back; 0 is none of ours."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _weekday(now: Any) -> Any:
    day = paris_date(now) + SOON
    return day + timedelta(days=max(0, 8 - day.isoweekday()) if day.isoweekday() > 5 else 0)


HANDLERS = [
    accounts, account, pay, take_back, net, statement, statement_read, statement_confirm, batches, prepare, one_batch, batch_file,
    move, returns, one_return, late, remind,
]  # fmt: skip
