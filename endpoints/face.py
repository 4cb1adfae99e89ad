"""The page « Personnalisation », and the two public files that carry the reseller's face: its logo and its colour."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotFoundException
from litestar.params import Body
from litestar.response import Redirect, Template

from endpoints import session
from endpoints.asked import Asked, Form
from endpoints.faces import wear
from endpoints.session import actor
from gateways.logos import BadLogo
from jobs import face, reseller
from jobs.lawful import NotLawful
from rules import colours
from rules.errors import RuleError
from rules.files import cells
from rules.rights import Right

HOME = "/personnalisation"
SAVED = "La personnalisation est enregistrée. Elle se voit dès maintenant ; les factures déjà scellées gardent leur visage."
FOREVER = "public, max-age=31536000, immutable"
ANEW = "no-cache"


@dataclass
class Upload:
    logo: UploadFile


@get(HOME, right=Right.settings)
async def page(fait: bool = False) -> Template:
    return await _shown(SAVED if fait else "")


@post(HOME, right=Right.settings)
async def save(request: Asked, data: Form) -> Response[Any]:
    """Save all, or nothing and say what to correct at its field. The proposed shade is a button that sends the form too."""
    typed = data | ({"accent": data["nuance"]} if "nuance" in data else {})
    try:
        await face.save(_values(typed), actor(request))
    except NotLawful as refusal:
        return await _shown(typed=typed, errors={one["field"]: one["message"] for one in refusal.errors})
    return Redirect(HOME, query_params={"fait": "1"}, status_code=303)


@post(HOME + "/couleur", right=Right.settings, status_code=200)
async def colour(data: Form) -> Template:
    """The piece that follows the choice of a colour."""
    return Template("face_colour.html", context=_colour(data.get("accent", "")))


@post(HOME + "/logo", right=Right.settings)
async def save_logo(request: Asked, data: Annotated[Upload, Body(media_type=RequestEncodingType.MULTI_PART)]) -> Response[Any]:
    try:
        await face.save_logo(await data.logo.read(), actor(request))
    except BadLogo as refusal:
        return await _shown(errors={"logo": str(refusal)})
    return Redirect(HOME, query_params={"fait": "1"}, status_code=303)


@post(HOME + "/logo/retirer", right=Right.settings)
async def remove_logo(request: Asked) -> Redirect:
    await face.remove_logo(actor(request))
    return Redirect(HOME, query_params={"fait": "1"}, status_code=303)


@get("/marque/{name:str}", opt=session.PUBLIC)
async def worn(name: str, v: str = "") -> Response[Any]:
    """The logo of now, or the two tokens that the reseller may set; the address changes with them."""
    now = await face.face()
    files = {
        "logo.png": (now.logo_png, "image/png", now.logo_sha256[:12]),
        "couleurs.css": (now.css, "text/css; charset=utf-8", now.css_version),
    }
    content, kind, version = files.get(name, (None, "", ""))
    if content is None:
        raise NotFoundException
    return Response(content, media_type=kind, headers={"cache-control": FOREVER if v == version else ANEW})


def _values(typed: dict[str, str]) -> dict[str, Any]:
    """The form's fields as the law names them: the capital in cents, a box not ticked is « no »."""
    known = {column.name for column in face.LAW.columns}
    values: dict[str, Any] = {name: value for name, value in typed.items() if name in known}
    values["vat_on_debits"] = "vat_on_debits" in typed
    if capital := typed.get("capital", "").translate(str.maketrans("", "", cells.BLANKS)):
        try:
            values["capital_cents"] = int(cells.decimal(2, Decimal(10) ** 12)(capital) * 100)
        except RuleError as problem:
            error = {"field": "capital", "value": capital[:100], "code": problem.code, "message": str(problem)}
            raise NotLawful([error]) from None
    elif "capital" in typed:
        values["capital_cents"] = 0
    return values


def _colour(typed: str) -> dict[str, Any]:
    """What a colour gives on each ground of each scheme, and what to say of it."""
    try:
        chosen, refusal, nuance = colours.accent(typed or colours.HOUSE), "", ""
    except colours.TooPale as problem:
        chosen, refusal, nuance = colours.parse(typed), str(problem), problem.nearest
    except colours.BadColour as problem:
        chosen, refusal, nuance = colours.HOUSE, str(problem), ""
    shades = {"light": chosen, "dark": colours.nearest(chosen, "dark")}
    samples = [
        (scheme, [(name, ground, shades[scheme], colours.contrast(shades[scheme], ground)) for name, ground in grounds.values()])
        for scheme, grounds in colours.GROUNDS.items()
    ]
    return {"colour_refusal": refusal, "nuance": nuance, "samples": samples, "needed": colours.NEEDED}


async def _shown(done: str = "", typed: dict[str, str] | None = None, errors: dict[str, str] | None = None) -> Template:
    await wear()
    seller, row = await reseller.current(), await face.branding()
    stored = {column.name: row[column.name] for column in face.BRANDING}
    stored |= {column.name: getattr(seller, column.name) for column in reseller.SELLER.columns}
    euros, part = divmod(seller.capital_cents, 100)
    stored |= {"capital": f"{euros}" + (f",{part:02d}" if part else ""), "accent": row["accent"] or colours.HOUSE}
    values = stored | ({"vat_on_debits": False} | typed if typed is not None else {})
    context = {"values": values, "errors": errors or {}, "done": done, **_colour(values["accent"])}
    return Template("face.html", context=context, status_code=422 if errors else 200)


HANDLERS = [page, save, colour, save_logo, remove_logo, worn]
