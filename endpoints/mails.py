"""The page « Envois »: what left, what waits, what was refused, what a person must settle; and the links that mails carry."""

from urllib.parse import urlencode

from litestar import MediaType, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.response import Redirect, Template

from endpoints import scheduler
from endpoints.asked import Asked, Sheet
from endpoints.billing_runs import sealed
from endpoints.session import PUBLIC, actor
from endpoints.throttle import THROTTLE, address_of
from gateways.settings import SETTINGS
from jobs import mails
from jobs.billing import send
from jobs.mails import overview, sending
from rules.errors import RuleError
from rules.rights import Right
from rules.states import MAIL_TO_DO, MailKind, MailState

HOME = "/envois"


class LinkOver(RuleError):
    """A link that we did not make, or whose day is past."""

    status = 404


@get(HOME, right=Right.see)
async def page(etat: str = "", nature: str = "", mois: str = "", chercher: str = "", feuille: Sheet = 1) -> Template:
    sought = overview.Sought(etat, nature, mois, chercher.strip())
    rows, found = await overview.found(sought, feuille)
    context = {
        "rows": rows, "found": found, "sheets": -(-found // overview.ON_A_PAGE), "sheet": feuille, "sought": sought,
        "query": urlencode({"etat": etat, "nature": nature, "mois": mois, "chercher": chercher}), "counts": await mails.counts(),
        "states": list(MailState), "kinds": list(MailKind), "to_do": MAIL_TO_DO, "settings": SETTINGS,
    }  # fmt: skip
    return Template("mails.html", context=context)


@get(HOME + "/{mail_id:int}", right=Right.see)
async def one(mail_id: int) -> Template:
    mail = await mails.get(mail_id)
    context = {"mail": mail, "state": MailState(mail["state"]), "kind": MailKind(mail["kind"]), "settled": mails.SETTLED}
    return Template("mail.html", context=context | {"to_do": MAIL_TO_DO, "files": mails.files(mail), "settings": SETTINGS})


@get(HOME + "/{mail_id:int}/message", right=Right.see)
async def layout(mail_id: int) -> Response[str]:
    """The HTML as it was sent; the outer layer lets it do nothing (outer.py)."""
    return Response(mails.shown(await mails.get(mail_id)), media_type=MediaType.HTML)


@get(HOME + "/{mail_id:int}/message.eml", right=Right.see)
async def eml(mail_id: int) -> Response[bytes]:
    headers = {"content-disposition": f'attachment; filename="envoi-{mail_id}.eml"'}
    return Response(sending.as_sent(await mails.get(mail_id)), media_type="message/rfc822", headers=headers)


@post(HOME + "/{mail_id:int}/renvoyer", right=Right.mails)
async def resend(request: Asked, mail_id: int, essais: int) -> Redirect:
    """Send again what was seen after so many attempts."""
    await mails.resend(mail_id, essais, actor(request))
    return Redirect(f"{HOME}/{mail_id}", status_code=303, background=BackgroundTask(scheduler.at_once, "send-mails"))


@post(HOME + "/{mail_id:int}/marquer", right=Right.mails)
async def mark(request: Asked, mail_id: int) -> Redirect:
    await mails.mark_sent(mail_id, actor(request))
    return Redirect(f"{HOME}/{mail_id}", status_code=303)


@post(HOME + "/{mail_id:int}/annuler", right=Right.mails)
async def cancel(request: Asked, mail_id: int) -> Redirect:
    await mails.cancel(mail_id, actor(request))
    return Redirect(f"{HOME}/{mail_id}", status_code=303)


@get("/document/{token:str}", opt=PUBLIC)
async def linked(request: Asked, token: str) -> Response[bytes]:
    """The one document that a link opens until its day; tokens cannot be tried out endlessly."""
    address = address_of(request.scope)
    THROTTLE.count(token, address)
    name = send.linked_document(token)
    if name is None:
        raise LinkOver("Ce lien n'est plus valable, ou il est incomplet. Demandez le document à votre service client.")
    THROTTLE.forgive(token, address)
    return await sealed(name)


HANDLERS = [page, one, layout, eml, resend, mark, cancel, linked]
