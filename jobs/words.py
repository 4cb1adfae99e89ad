"""The words of each kind of mail: a subject, a text, and its layout in HTML."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

SHIPPED = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates" / "mail"),
    autoescape=lambda name: bool(name and name.endswith(".html")),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Words:
    subject: str
    text: str
    html: str


async def compose(kind: str, context: dict[str, Any]) -> Words:
    """The shipped words of a kind: the first line of its text is the subject."""
    subject, _, text = _template(f"{kind}.txt").render(context).partition("\n")
    return Words(subject.strip(), text.strip() + "\n", _template(f"{kind}.html").render(context))


@cache
def _template(name: str) -> Template:
    return SHIPPED.get_template(name)
