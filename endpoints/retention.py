"""The page « Conservation »: what the next purge takes out, before it does."""

from litestar import get, post
from litestar.response import Redirect, Template

from endpoints.asked import Asked
from gateways.settings import SETTINGS
from jobs import reseller, retention, schedule
from rules.rights import Right

HOME = "/conservation"


@get(HOME, right=Right.see)
async def page() -> Template:
    context = {"plan": await retention.plan(SETTINGS.now()), "last": await schedule.last("purge")}
    return Template("retention.html", context=context | {"months": (await reseller.current()).retention_months})


@post(HOME, right=Right.settings)
async def purge(request: Asked) -> Redirect:
    await schedule.begin("purge")
    return Redirect(HOME, status_code=303)


HANDLERS = [page, purge]
