"""What handlers are asked with: a request, the fields of a form, the number of a sheet of a long list."""

from typing import Annotated, Any

from litestar import Request
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter

Asked = Request[Any, Any, Any]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
Sheet = Annotated[int, Parameter(ge=1, le=10_000)]
