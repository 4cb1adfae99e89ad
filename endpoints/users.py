"""The page « Utilisateurs »: who may enter, in which role; the link that lets a person choose a password is shown once."""

from typing import Any

from litestar import get, post
from litestar.response import Redirect, Template

from endpoints.asked import Asked, Form
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import users
from jobs.access import VALID, BadAccount
from rules.rights import RIGHTS, Right, Role

HOME = "/utilisateurs"
EVENTS = {
    "user_invited": "ajouté", "access_link": "lien d'accès remis", "access_link_used": "lien d'accès utilisé",
    "role_changed": "rôle", "user_deactivated": "accès retiré", "password_changed": "mot de passe changé",
}  # fmt: skip
NOBODY = {"first_name": "", "last_name": "", "email": "", "role": Role.reader.value}


@get(HOME, right=Right.users)
async def page() -> Template:
    return await _shown()


@post(HOME, right=Right.users, status_code=200)
async def invite(request: Asked, data: Form) -> Template:
    """A new person; what cannot be kept comes back in the form."""
    typed = {name: data.get(name, "") for name in NOBODY}
    try:
        link = await users.invite(**typed, actor=actor(request), now=SETTINGS.now())
    except BadAccount as refusal:
        return await _shown(422, typed=typed, refusal=str(refusal))
    return await _shown(link=SETTINGS.public_url + link, for_whom=typed["email"].strip())


@post(HOME + "/{user_id:int}/lien", right=Right.users, status_code=200)
async def new_link(request: Asked, user_id: int) -> Template:
    whom, link = await users.new_link(user_id, actor=actor(request), now=SETTINGS.now())
    return await _shown(link=SETTINGS.public_url + link, for_whom=whom)


@post(HOME + "/{user_id:int}/role", right=Right.users)
async def change_role(request: Asked, user_id: int, data: Form) -> Redirect:
    await users.set_role(user_id, data.get("role", ""), actor=actor(request), now=SETTINGS.now())
    return Redirect(HOME, status_code=303)


@post(HOME + "/{user_id:int}/desactiver", right=Right.users)
async def deactivate(request: Asked, user_id: int) -> Redirect:
    await users.deactivate(user_id, actor=actor(request), now=SETTINGS.now())
    return Redirect(HOME, status_code=303)


async def _shown(status_code: int = 200, **told: Any) -> Template:
    context = {"people": await users.listing(SETTINGS.now()), "roles": list(Role), "rights": list(Right), "table": RIGHTS}
    context |= {"story": await users.told(), "events": EVENTS, "role_words": {role.value: role.label for role in Role}}
    context |= {"typed": NOBODY, "refusal": "", "link": "", "for_whom": "", "minutes": VALID.seconds // 60} | told
    return Template("users.html", context=context, status_code=status_code)


HANDLERS = [page, invite, new_link, change_role, deactivate]
