"""The page « Scellés »: are the issued documents still those that were issued, what they add up to, and the archive of them."""

from litestar import get, post
from litestar.background_tasks import BackgroundTask
from litestar.response import Redirect, Stream, Template

from endpoints.asked import Form
from endpoints.scheduler import to_its_end
from gateways.settings import SETTINGS
from jobs import documents, schedule
from jobs.seals import archive, verify
from rules.paris import paris_date
from rules.period import Period
from rules.rights import Right

HOME = "/scelles"


@get(HOME, right=Right.see)
async def page(du: str = "", au: str = "") -> Template:
    """The chains, and the totals of any period: of this year unless told."""
    today = paris_date(SETTINGS.now())
    period = Period.parse(du, au) if du or au else Period(today.replace(month=1, day=1), today)
    context = {
        "last": await verify.last(), "heads": await verify.heads(), "at_work": await verify.at_work(), "period": period,
        "totals": await documents.totals(period),
    }  # fmt: skip
    return Template("seals.html", context=context)


@get(HOME + "/avancement", right=Right.see)
async def progress() -> Template:
    """The piece that moves; empty once the verification is over, and the page is read anew."""
    return Template("seals_progress.html", context={"at_work": await verify.at_work()})


@post(HOME + "/verifier", right=Right.billing)
async def check(data: Form) -> Redirect:
    """Begin a verification; whoever asks while one is at work finds it."""
    job = verify.FILES if "fichiers" in data else verify.SEALS
    after = None if await verify.at_work() else BackgroundTask(to_its_end, schedule.next_passage(job))
    return Redirect(HOME, status_code=303, background=after)


@get(HOME + "/archive.zip", right=Right.billing)
async def download(du: str = "", au: str = "") -> Stream:
    """The archive of a period, or of all time, as it is made."""
    period = Period.parse(du, au) if du or au else None
    name = f"archive-{period.first}-{period.last}.zip" if period else "archive.zip"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Stream(archive.stream(period), media_type="application/zip", headers=headers)


HANDLERS = [page, progress, check, download]
