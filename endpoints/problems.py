"""Refusals as they are answered: a problem document (RFC 9457) to a program, a page of one sentence to a person."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, NotAuthorizedException, PermissionDeniedException, ValidationException
from litestar.response import Redirect

from endpoints.faces import render
from endpoints.incidents import incident
from rules.errors import RuleError

CSRF_COOKIE = "csrftoken_lc"
PLACE = ("file", "line", "column", "field", "value", "code", "message")
PROGRAMS = re.compile(r"/(api|jobs|admin)(/|$)")
TITLES: dict[int | str, tuple[str, str]] = {
    400: ("Demande illisible", "La demande n'a pas la forme attendue."),
    401: ("Jeton absent ou inconnu", "Cette porte demande un jeton : « Authorization: Bearer … »."),
    403: ("Page trop ancienne", "Cette page est restée ouverte trop longtemps. Rechargez-la, puis recommencez."),
    "NOT_YOUR_RIGHT": ("Réservé à un autre rôle", ""),
    "NO_RIGHT_NAMED": ("Porte fermée", ""),
    404: ("Introuvable", "Cette adresse ne mène à rien."),
    405: ("Méthode refusée", "Cette adresse n'accepte pas cette méthode."),
    409: ("Conflit", "L'état actuel ne le permet pas."),
    413: ("Trop volumineux", "L'envoi dépasse la taille permise à cette adresse."),
    415: ("Format inconnu", "Ce type de contenu n'est pas lu à cette adresse."),
    422: ("Données refusées", "Certaines données sont à corriger."),
    429: ("Trop d'essais", "Attendez un peu, puis recommencez."),
    500: ("Panne", "La page n'a pas pu être faite. Rien n'a été enregistré. Recommencez, ou donnez le code {} au support."),
}
SAID_IN_ENGLISH = (
    (r"Expected `(.+?)`, got `(.+?)`.*", r"Attendu : \1 ; reçu : \2."),
    (r"Object contains unknown field `(?P<field>.+?)`.*", r"Champ inconnu : \1."),
    (r"Object missing required field `(?P<field>.+?)`.*", r"Champ obligatoire : \1."),
)


@dataclass(frozen=True)
class Problem:
    status: int
    detail: str
    code: str = ""
    errors: tuple[dict[str, Any], ...] = ()

    @property
    def title(self) -> str:
        return TITLES.get(self.code, TITLES.get(self.status, TITLES[400]))[0]

    def document(self) -> dict[str, Any]:
        kind = f"urn:ligne-claire:{self.code}" if self.code else "about:blank"
        return {"type": kind, "title": self.title, "status": self.status, "detail": self.detail, "errors": list(self.errors)}


def error(**known: Any) -> dict[str, Any]:
    """One entry of `errors`, with every key of the interface."""
    return {key: known.get(key) for key in PLACE}


def of_status(status: int) -> Problem:
    return Problem(status, TITLES.get(status, TITLES[400])[1])


def describe(exc: Exception, scope: Any) -> Problem:
    """What an exception says to the outside. One that nobody foresaw becomes an incident: a code here, the trace in the log."""
    if isinstance(exc, RuleError):
        return Problem(getattr(exc, "status", 422), str(exc), exc.code, tuple(_errors(exc)))
    if isinstance(exc, ValidationException):
        return Problem(422, TITLES[422][1], "INVALID", tuple(_translated(exc.extra)))
    if isinstance(exc, HTTPException) and exc.status_code < 500:
        return of_status(exc.status_code)
    return Problem(500, TITLES[500][1].format(incident(exc, scope)), "BREAKDOWN")


def _errors(exc: RuleError) -> Iterable[dict[str, Any]]:
    """The rows of a refusal that counts several; else the refusal itself."""
    for one in getattr(exc, "errors", ()) or [{"code": exc.code, "message": str(exc)}]:
        yield error(**(asdict(one) if is_dataclass(one) and not isinstance(one, type) else dict(one)))


def _translated(extra: Any) -> Iterable[dict[str, Any]]:
    for one in extra if isinstance(extra, list) else []:
        field, message = one.get("key"), str(one.get("message", ""))
        for english, french in SAID_IN_ENGLISH:
            if found := re.fullmatch(english, message):
                field, message = found.groupdict().get("field", field), found.expand(french)
        yield error(field=field, code="INVALID", message=message)


def respond(problem: Problem, path: str) -> Response:
    """A document to programs (the generated admin shows its `detail`), a page to people."""
    if PROGRAMS.match(path):
        headers = {"www-authenticate": "Bearer"} if problem.status == 401 else {}
        return Response(problem.document(), status_code=problem.status, media_type="application/problem+json", headers=headers)
    page = render("message.html", title=problem.title, sentence=problem.detail)
    return Response(page, status_code=problem.status, media_type=MediaType.HTML)


async def send_refusal(problem: Problem, scope: Any, receive: Any, send: Any, path: str = "") -> None:
    """The same, from a layer that stands outside of the routing."""
    response = respond(problem, path or scope["path"])
    await response.to_asgi_response(app=None, request=Request(scope))(scope, receive, send)


def answer(request: Request, exc: Exception) -> Response:
    """The one exception handler of the program."""
    if isinstance(exc, NotAuthorizedException) and not PROGRAMS.match(request.url.path):
        return Redirect("/entrer", query_params=_way_back(request), status_code=303)
    response = respond(describe(exc, request.scope), request.url.path)
    if isinstance(exc, PermissionDeniedException) and CSRF_COOKIE in request.cookies:
        response.delete_cookie(CSRF_COOKIE)
    for name, value in (getattr(exc, "headers", None) or {}).items():
        response.headers.setdefault(name.lower(), value)
    return response


def _way_back(request: Request) -> dict[str, str]:
    query = request.url.query
    return {"suite": request.url.path + (f"?{query}" if query else "")} if request.method == "GET" else {}
