"""CDR layouts by API: the JSON form of each, and a trial on a sample."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Router, get, post, put
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body

from endpoints.asked import Asked
from endpoints.lists import MOST, Limit, Offset, page
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import layout_trial, layouts


@dataclass
class Sample:
    file: UploadFile


@get()
async def list_layouts(limit: Limit = MOST, offset: Offset = 0) -> dict[str, Any]:
    """The layouts, « default » first; the active one whose `name_pattern` takes a file's name reads it."""
    return page(await layouts.every_layout(), limit, offset)


@get("/{code:str}")
async def read_layout(code: str) -> dict[str, Any]:
    """A layout: `code`, `label`, `wholesaler`, `name_pattern`, `active`, `description`."""
    return await layouts.get(code)


@put("/{code:str}")
async def write_layout(request: Asked, code: str, data: dict[str, Any]) -> dict[str, Any]:
    """Write a layout, new or changed. 422: each place of the description that cannot be followed, and what to write."""
    return await layouts.save(code, data, actor(request))


@post("/{code:str}/try", status_code=200)
async def try_layout(code: str, data: Annotated[Sample, Body(media_type=RequestEncodingType.MULTI_PART)]) -> layout_trial.Trial:
    """Read a sample through a layout: its first rows, counts, warnings, and what refuses the file. Nothing is written."""
    description = (await layouts.get(code))["description"]
    return await layout_trial.try_on(description, await data.file.read(), data.file.filename, SETTINGS.now())


router = Router("/api/cdr-layouts", route_handlers=[list_layouts, read_layout, write_layout, try_layout], tags=["Imports"])
