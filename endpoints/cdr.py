"""The page « Chargement CDR »: what arrived, what was loaded, what is missing; and a file's rejects."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Template

from endpoints.asked import Asked, Form, Sheet
from endpoints.imports import csv_response
from endpoints.scheduler import to_its_end
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import arrivals, cdr_news, cdr_overview, cdr_replay, cdrs, schedule
from jobs.billing import overview
from jobs.cdr_replay import ReplayReport
from jobs.worker import ask
from rules.errors import RuleError
from rules.paris import paris_date
from rules.rights import Right

HOME = "/cdr"


class NoFile(RuleError):
    """The button was pressed before a file was chosen."""


@get(HOME, right=Right.see)
async def page(mois: str = "", arrivees: Sheet = 1, fichiers: Sheet = 1) -> Template:
    now = SETTINGS.now()
    month = await overview.month_to_show(mois, paris_date(now))
    sentence, kind = await cdr_news.news(now)
    return Template(
        "cdr.html",
        context={
            "sentence": sentence,
            "kind": kind,
            "month": month,
            "days": await cdr_overview.days(month, paris_date(now)),
            "arrivals": await cdr_overview.arrivals(arrivees),
            "files": await cdr_overview.files(fichiers),
            "arrivals_sheet": arrivees,
            "files_sheet": fichiers,
            "on_a_page": cdr_overview.ON_A_PAGE,
            "to_load": await cdr_overview.to_load(),
            "at_work": cdr_overview.at_work(),
            "passages": await cdr_overview.passages(),
            "depot": bool(SETTINGS.sftp_url),
        },
    )


@get(HOME + "/avancement", right=Right.see)
async def progress() -> Template:
    """The piece that moves; empty once nothing is at work, and the page is read anew."""
    return Template("cdr_progress.html", context={"at_work": cdr_overview.at_work(), "to_load": await cdr_overview.to_load()})


@post(HOME, right=Right.cdrs)
async def upload(data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]) -> Redirect:
    """Take a file by hand, and load it in the background."""
    given = data.get("file")
    if not isinstance(given, UploadFile) or not given.filename:
        raise NoFile("Aucun fichier n'est choisi. Choisissez un fichier de CDR, puis chargez-le.")
    await arrivals.receive(given.file, given.filename)
    return _begun(schedule.LOAD)


@post(HOME + "/chercher", right=Right.cdrs)
async def fetch() -> Redirect:
    return _begun(schedule.FETCH)


@post(HOME + "/charger", right=Right.cdrs)
async def load() -> Redirect:
    return _begun(schedule.LOAD)


@post(HOME + "/arrivees/{arrival_id:int}/reessayer", right=Right.cdrs)
async def retry(arrival_id: int) -> Redirect:
    await arrivals.retry(arrival_id)
    return _begun(schedule.LOAD)


@get(HOME + "/{file_id:int}", right=Right.see)
async def file(file_id: int) -> Template:
    return _file_page(await cdr_overview.file(file_id))


@post(HOME + "/{file_id:int}/rejouer", right=Right.cdrs)
async def replay(
    request: Asked,
    file_id: int,
    data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Template:
    """Judge the rejects again, with or without a corrected file; the page tells the result."""
    given = data.get("file")
    if "corrige" in data and not (isinstance(given, UploadFile) and given.filename):
        raise NoFile("Aucun fichier n'est choisi. Choisissez le fichier corrigé, puis chargez-le.")
    corrected, name = (await given.read(), given.filename) if isinstance(given, UploadFile) and given.filename else (None, "")
    report = await ask("replay", file_id, corrected, name, actor(request), SETTINGS.now())
    return _file_page(await cdr_overview.file(file_id), report)


@post(HOME + "/{file_id:int}/ecarter", right=Right.cdrs)
async def set_aside(request: Asked, file_id: int, data: Form) -> Redirect:
    line = data.get("ligne", "")
    where: dict[str, Any] = {"line": int(line)} if line.isdecimal() else {"cause": data.get("cause", "")}
    await cdr_replay.set_aside(file_id, data.get("motif", ""), actor(request), **where)
    return Redirect(f"{HOME}/{file_id}", status_code=303)


@post(HOME + "/{file_id:int}/reprendre", right=Right.cdrs)
async def take_back(request: Asked, file_id: int) -> Redirect:
    await cdr_replay.take_back(file_id, actor(request))
    return Redirect(f"{HOME}/{file_id}", status_code=303)


@get(HOME + "/{file_id:int}/rejets.csv", right=Right.see)
async def rejects(file_id: int) -> Response[str]:
    await cdr_overview.file(file_id)
    return csv_response(await cdrs.rejects_csv(file_id), f"cdr-{file_id}-rejets.csv")


@get(HOME + "/{file_id:int}/a-corriger.csv", right=Right.see)
async def corrections(file_id: int) -> Response[str]:
    return csv_response(await cdr_replay.corrections_csv(file_id), f"cdr-{file_id}-a-corriger.csv")


def _file_page(found: dict[str, Any], report: ReplayReport | None = None) -> Template:
    return Template("cdr_file.html", context={"file": found, "report": report})


def _begun(job: str) -> Redirect:
    """Back to the page, while the job works; one that is at work already is followed by another, which sees what was added."""
    return Redirect(HOME, status_code=303, background=BackgroundTask(to_its_end, schedule.next_passage(job)))


HANDLERS = [page, progress, upload, fetch, load, retry, file, replay, set_aside, take_back, rejects, corrections]
