"""Who is here: our pages and the generated admin share one login session, a row that logout and password change delete."""

from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import Request, Response
from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult, DefineMiddleware
from piccolo_api.session_auth.tables import SessionsBase

from endpoints.problems import CSRF_COOKIE
from gateways.settings import SETTINGS
from tables.access import User

COOKIE = "id"
IDLE = timedelta(hours=1)
LONGER = timedelta(minutes=20)
LONGEST = timedelta(days=7)

PUBLIC: dict[str, Any] = {"exclude_from_auth": True}
"""`opt` of a handler that asks for no session. Every other page asks for one."""

OTHER_LOCKS = "^/(admin|api|jobs|static|healthz|readyz|metrics)(/|$)"
CSRF = CSRFConfig(
    secret=SETTINGS.secret_key,
    cookie_name=CSRF_COOKIE,
    cookie_secure=SETTINGS.production,
    cookie_httponly=True,
    exclude=[OTHER_LOCKS],
)


def cookie(scope: Any) -> str:
    """The token that a request brings, where it is not yet a request of ours."""
    return ASGIConnection[Any, Any, Any, Any](scope).cookies.get(COOKIE, "")


async def person(token: str) -> User | None:
    """Who holds a session, as long as they may enter."""
    user_id = await SessionsBase.get_user_id(token, increase_expiry=LONGER) if token else None
    user = await User.objects().where(User.id == user_id).first() if user_id else None
    return user if user and user.active and user.admin else None


class Session(AbstractAuthenticationMiddleware):
    async def authenticate_request(self, connection: ASGIConnection) -> AuthenticationResult:
        token = connection.cookies.get(COOKIE, "")
        user = await person(token)
        if user is None:
            raise NotAuthorizedException
        return AuthenticationResult(user=user, auth=token)


SESSION = DefineMiddleware(Session, exclude=[OTHER_LOCKS])


def actor(request: Request) -> str:
    """The name that the journal keeps: the person's, or that of the door for programs."""
    user = request.scope.get("user")
    return user.username if user else "API"


async def begin(request: Request, response: Response, user_id: int) -> None:
    """A session of its own for each login: an id that the browser brought along is never adopted."""
    await end(request, response)
    now = datetime.now(UTC).replace(tzinfo=None)
    session = await SessionsBase.create_session(user_id, now + IDLE, now + LONGEST)
    response.cookies = [cookie for cookie in response.cookies if cookie.key != COOKIE]
    response.set_cookie(
        Cookie(
            COOKIE, value=session.token, max_age=int(LONGEST.total_seconds()), httponly=True, samesite="lax",
            secure=SETTINGS.production,
        )
    )  # fmt: skip


async def end(request: Request, response: Response) -> None:
    if token := request.cookies.get(COOKIE):
        await SessionsBase.remove_session(token)
    response.delete_cookie(COOKIE)
