"""Lists as the API answers them: a page of items, and how many there are in all."""

from typing import Annotated, Any

from litestar.params import Parameter

Limit = Annotated[int, Parameter(query="limit", ge=1, le=100_000, description="Au plus tant d'éléments.")]
Offset = Annotated[int, Parameter(query="offset", ge=0, description="À partir de celui-ci, 0 = le premier.")]
MOST = 1_000


def page(items: list[Any], limit: int, offset: int) -> dict[str, Any]:
    return {"items": items[offset : offset + limit], "total": len(items)}
