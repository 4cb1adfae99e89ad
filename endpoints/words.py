"""The pages « Modèles » : the words of the mails, each looked at while it is written."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Template

from endpoints.asked import Asked
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import mails, words
from rules.errors import RuleError
from rules.rights import Right
from rules.states import MailKind
from rules.wording import TemplateRefused

HOME = "/modeles"


@dataclass
class Draft:
    """The form: a text, the version that it was written from, and whom the preview shows."""

    subject: str = ""
    body: str = ""
    version: int = 0
    client: str = ""


Form = Annotated[Draft, Body(media_type=RequestEncodingType.URL_ENCODED)]


@get(HOME, right=Right.settings)
async def page() -> Template:
    return Template("words.html", context={"versions": await words.overview()})


@get(HOME + "/{kind:str}", right=Right.settings)
async def editor(kind: str, client: str = "", fait: str = "") -> Template:
    found = await words.current(kind)
    return await _editor(kind, Draft(found.subject, found.body, found.version, client), done=fait)


@post(HOME + "/{kind:str}", right=Right.settings)
async def save(request: Asked, kind: str, data: Form) -> Redirect | Template:
    try:
        await words.save(kind, data.subject, data.body, data.version, actor(request), SETTINGS.now())
    except RuleError as refusal:
        return await _editor(kind, data, refusal)
    return Redirect(f"{HOME}/{kind}", query_params={"fait": "enregistre", "client": data.client}, status_code=303)


@post(HOME + "/{kind:str}/essai", right=Right.settings)
async def test(request: Asked, kind: str, data: Form) -> Template:
    """The text as it stands in the form, sent to whoever is writing it."""
    try:
        made = await words.preview(kind, data.subject, data.body, data.client)
        await mails.trial(MailKind(kind), made, request.user.email)
    except RuleError as refusal:
        return await _editor(kind, data, refusal)
    return await _editor(kind, data, done="essai")


@get(HOME + "/{kind:str}/apercu", right=Right.settings)
async def preview(kind: str, client: str = "") -> Template:
    found = await words.current(kind)
    return await _preview(kind, Draft(found.subject, found.body, client=client))


@post(HOME + "/{kind:str}/apercu", right=Right.settings)
async def preview_draft(kind: str, data: Form) -> Template:
    return await _preview(kind, data)


@get(HOME + "/{kind:str}/origine", right=Right.settings)
async def confirm(kind: str) -> Template:
    return Template("words_reset.html", context={"found": await words.current(kind)})


@post(HOME + "/{kind:str}/origine", right=Right.settings)
async def reset(request: Asked, kind: str, data: Form) -> Redirect:
    await words.reset(kind, data.version, actor(request), SETTINGS.now())
    return Redirect(f"{HOME}/{kind}", query_params={"fait": "origine"}, status_code=303)


async def _editor(kind: str, draft: Draft, refusal: RuleError | None = None, done: str = "") -> Template:
    """The editor with what was typed, be it refused."""
    faults = {field: refusal.of(field) if isinstance(refusal, TemplateRefused) else [] for field in ("subject", "body")}
    context = {
        "found": await words.current(kind),
        "draft": draft,
        "faults": faults,
        "refusal": refusal,
        "done": done,
        "customers": await words.customers(),
        "history": await words.history(kind),
    }
    return Template("words_editor.html", context=context, status_code=getattr(refusal, "status", 422) if refusal else 200)


async def _preview(kind: str, draft: Draft) -> Template:
    """The mail, or what keeps it from being one: always a page, because a frame shows it."""
    context: dict[str, Any] = {"mail": None, "refusal": ""}
    try:
        context["mail"] = made = await words.preview(kind, draft.subject, draft.body, draft.client)
        context["html"] = await words.shown(made)
    except RuleError as refusal:
        context["refusal"] = str(refusal)
    return Template("words_preview.html", context=context)


HANDLERS = [page, editor, save, test, preview, preview_draft, confirm, reset]
