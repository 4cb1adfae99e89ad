"""The API described: the OpenAPI document, and a page of our own that shows it (ready-made ones load from outside hosts)."""

from typing import Any

from litestar import Request, get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.response import Template

from endpoints.session import PUBLIC

OPENAPI = OpenAPIConfig(
    title="Ligne Claire",
    version="1",
    description="Le back-office des intégrateurs mobiles. Jeton : « Authorization: Bearer … ».",
    path="/api/schema",
    render_plugins=[JsonRenderPlugin()],
    components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
    security=[{"bearer": []}],
    use_handler_docstrings=True,
)


@get("/api/docs", opt=PUBLIC)
async def viewer(request: Request) -> Template:
    document: dict[str, Any] = request.app.openapi_schema.to_schema()
    return Template("api.html", context={"document": document})
