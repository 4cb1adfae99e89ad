"""The pages by which a person enters, leaves, and chooses a password from a one-time link."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Template

from endpoints import session
from endpoints.throttle import THROTTLE, TooManyTries, address_of
from jobs.access import BadAccount, holder, use_access_link
from rules.rights import Right
from tables.access import User

UNKNOWN = "Identifiant ou mot de passe inconnu. Vérifiez-les, puis recommencez."
LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


@dataclass
class Credentials:
    username: str = ""
    password: str = ""
    suite: str = "/"


@dataclass
class Choice:
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    password: str = ""


Form = Body(media_type=RequestEncodingType.URL_ENCODED)


def local(path: str) -> str:
    """Where to go on, if that is a path of ours; else the first page."""
    return path if LOCAL.fullmatch(path) and not path.startswith("/sortir") else "/"


@get("/entrer", opt=session.PUBLIC)
async def login_page(suite: str = "/") -> Template:
    return Template("login.html", context={"suite": local(suite), "username": "", "refusal": ""})


@post("/entrer", opt=session.PUBLIC)
async def login(request: Request, data: Annotated[Credentials, Form]) -> Response[Any]:
    username, address = data.username.strip().lower(), address_of(request.scope)
    try:
        THROTTLE.count(username, address)
    except TooManyTries as refusal:
        return _again(data, str(refusal), refusal.status)
    user_id = await User.login(username, data.password) if username.isprintable() else None
    if not user_id or not await User.exists().where(User.id == user_id, User.active.eq(True), User.admin.eq(True)):
        return _again(data, UNKNOWN, 401)
    THROTTLE.forgive(username, address)
    return await _entered(request, user_id, local(data.suite))


@post("/sortir", right=Right.see)
async def logout(request: Request) -> Response[Any]:
    response: Response[Any] = Redirect("/entrer", status_code=303)
    await session.end(request, response)
    return response


@get("/acces/{token:str}", opt=session.PUBLIC)
async def access_page(token: str) -> Template:
    user = await holder(token, datetime.now(UTC))
    choice = Choice(user.first_name or "", user.last_name or "", user.email)
    return Template("access.html", context={"choice": choice, "refusal": ""})


@post("/acces/{token:str}", opt=session.PUBLIC)
async def choose(request: Request, token: str, data: Annotated[Choice, Form]) -> Response[Any]:
    try:
        user_id = await use_access_link(token, now=datetime.now(UTC), **vars(data))
    except BadAccount as refusal:
        return Template("access.html", context={"choice": data, "refusal": str(refusal)}, status_code=422)
    return await _entered(request, user_id, "/")


def _again(data: Credentials, refusal: str, status: int) -> Template:
    context = {"suite": local(data.suite), "username": data.username, "refusal": refusal}
    return Template("login.html", context=context, status_code=status)


async def _entered(request: Request, user_id: int, path: str) -> Response[Any]:
    response: Response[Any] = Redirect(path, status_code=303)
    await session.begin(request, response, user_id)
    return response


HANDLERS = [login_page, login, logout, access_page, choose]
