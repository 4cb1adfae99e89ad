"""The generated admin in French: titles from the tables' own help texts, choices from the law's words, and one page template."""

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from piccolo.table import Table
from piccolo_admin.translations.models import Translation

from endpoints.admin_acts import Held
from endpoints.faces import asset
from endpoints.guarded import Guarded, title

WORDS = tomllib.loads((Path(__file__).parent / "admin_words.toml").read_text(encoding="utf-8"))
FRENCH = Translation(language_name="Français", language_code="fr", translations=WORDS["translation"])
SCHEMA = re.compile(r"/api/tables/(\w+)/schema/?$")


class SchemaInFrench:
    """Rewrites the titles, explanations and choices of a table's schema as it passes."""

    def __init__(self, app: Any, tables: Sequence[type[Table]]) -> None:
        self.app = app
        self.tables = {table._meta.tablename: table for table in tables}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        place = SCHEMA.search(scope["path"])
        if not place or place[1] not in self.tables:
            return await self.app(scope, receive, send)
        held = Held()
        await self.app(scope, receive, held.send)
        if held.status == 200:
            body = json.dumps(translated(json.loads(held.body), self.tables[place[1]])).encode()
            start = held.messages[0]
            headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
            start = {**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]}
            held.messages = [start, {"type": "http.response.body", "body": body}]
        await held.release(send)


def translated(schema: dict[str, Any], table: type[Table]) -> dict[str, Any]:
    for column in table._meta.columns:
        if field := schema["properties"].get(column._meta.name):
            field["title"] = title(column)
            _, _, explanation = (column._meta.help_text or "").partition(" — ")
            field["extra"]["help_text"] = explanation[:1].upper() + explanation[1:] or None
            labels = {choice.value: choice.label for choice in column._meta.choices or ()}
            for choice in (field["extra"].get("choices") or {}).values():
                choice["display_name"] = labels[choice["value"]]
    return schema


def page(template: str, configs: Sequence[Guarded]) -> str:
    """The admin's one page, with our style and our script, and the words that the script needs as plain data."""
    tables = {
        config.table_class._meta.tablename: {
            "title": str(config.table_class._meta.help_text).split(" — ")[0],
            "locked": config.locked, "readonly": config.readonly, "deletable": config.deletable,
        }
        for config in configs
    }  # fmt: skip
    data = json.dumps({"tables": tables, "said": WORDS["said"]}, ensure_ascii=False).replace("<", "\\u003c")
    ours = (
        f'<script type="application/json" id="lc-words">{data}</script>'
        f'<script src="{asset("admin.js")}"></script><link rel="stylesheet" href="{asset("admin-tint.css")}"></head>'
    )
    noscript = re.compile(r"<noscript>.*?</noscript>", re.DOTALL)
    page = noscript.sub("<noscript>Le référentiel demande JavaScript ; la facturation s’en passe.</noscript>", template)
    for before, after in (
        ("</head>", ours),
        ('lang="en"', 'lang="fr"'),
        ("<title>Piccolo Admin", "<title>Référentiel – Ligne Claire"),
    ):
        page = page.replace(before, after, 1)
    return page
