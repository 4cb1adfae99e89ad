"""The pages' one Jinja environment, and the addresses of our own files, which change when their bytes do."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from endpoints import filters
from jobs import face
from rules import rights

HOME = Path(__file__).parent.parent
STATIC = HOME / "static"


@cache
def asset(name: str) -> str:
    """The address of a file of static/, safe to keep for ever in a cache."""
    return f"/static/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


FACES = Environment(
    loader=FileSystemLoader(HOME / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
FACES.filters.update(filters.ALL)
FACES.globals["asset"] = asset
FACES.globals["once"] = lambda: uuid4().hex  # what a form carries so that a second press changes nothing


@pass_context
def may(context: Context, right: str) -> bool:
    """Whether the person who asked for this page has a right: buttons and ways that would be refused are not offered."""
    request = context.get("request")
    user = request.scope.get("user") if request else None
    return user is not None and rights.may(user.role, rights.Right(right))


FACES.globals["may"] = may


async def wear(_: Any = None) -> None:
    """Have every page drawn from now on show the reseller's face as it is stored; called before each page."""
    FACES.globals["face"] = await face.face()


FACES.globals["face"] = None

TEMPLATES = TemplateConfig(instance=JinjaTemplateEngine.from_environment(FACES))


def render(name: str, **context: Any) -> str:
    """A page outside any request: the ones of refusals."""
    return FACES.get_template(name).render(context)
