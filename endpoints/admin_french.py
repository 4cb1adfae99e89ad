"""The generated admin in French: titles from the tables' own help texts, choices from the law's words, and one page template."""

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from piccolo.columns import Numeric
from piccolo.table import Table
from piccolo_admin.translations.models import Translation

from endpoints.faces import asset
from endpoints.guarded import Guarded, title, title_and_rest
from endpoints.held import Held
from rules.files.rows import shown
from rules.states import Word

WORDS = tomllib.loads((Path(__file__).parent / "admin_words.toml").read_text(encoding="utf-8"))
FRENCH = Translation(language_name="Français", language_code="fr", translations=WORDS["translation"])
TABLE = re.compile(r"/api/tables/(\w+)/(schema/?|\d+/?)?$")


class InFrench:
    """Rewrites, as they pass, a table's schema and the refusals that the generated admin words itself."""

    def __init__(self, app: Any, tables: Sequence[type[Table]]) -> None:
        self.app = app
        self.tables = {table._meta.tablename: table for table in tables}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        place = TABLE.search(scope["path"])
        if not place or place[1] not in self.tables:
            return await self.app(scope, receive, send)
        held, table = Held(), self.tables[place[1]]
        await self.app(scope, receive, held.send)
        if held.status == 200 and scope["path"].rstrip("/").endswith("/schema"):
            held.replace(200, translated(json.loads(held.body), table))
        elif held.status == 200 and place[2] and (rates := _listed(table)):
            row = json.loads(held.body)
            held.replace(200, row | {name: str(shown(Decimal(row[name]))) for name in rates if row.get(name) is not None})
        elif held.status in (400, 422):
            held.replace(405, {"detail": told(held.body, table)})
        await held.release(send)


def translated(schema: dict[str, Any], table: type[Table]) -> dict[str, Any]:
    schema["extra"]["help_text"] = sentence(str(table._meta.help_text).partition(" — ")[2])
    for column in table._meta.columns:
        made_alone = column._meta.name == "created_at" and "created_at" not in schema["extra"]["visible_column_names"]
        if column._meta.secret or made_alone:
            schema["properties"].pop(column._meta.name)
        elif field := schema["properties"].get(column._meta.name):
            name, rest = title_and_rest(column)
            field["title"] = title(column)
            field["extra"]["help_text"] = sentence(rest) if field["title"] == name else None
            labels = {str(word.value): word.label for word in cast("Iterable[Word]", column._meta.choices or ())}
            for choice in (field["extra"].get("choices") or {}).values():
                choice["display_name"] = labels[choice["value"]]
    return schema


def _listed(table: type[Table]) -> list[str]:
    """Figures that are chosen in a list, which knows 20 and not 20.00."""
    return [column._meta.name for column in table._meta.columns if column._meta.choices and isinstance(column, Numeric)]


def sentence(text: str) -> str | None:
    return text[:1].upper() + text[1:] or None


def told(body: bytes, table: type[Table]) -> str:
    """A refusal of the form or of the database, column by column."""
    try:
        refusal = json.loads(body)
    except ValueError:
        return WORDS["refused"]["unknown"]
    titles = {column._meta.name: title(column) for column in table._meta.columns}
    if "db_error" in refusal:
        names = [
            titles[name] for name in titles if re.search(rf"{table._meta.tablename}[._]{name}\b|_{name}_key", refusal["db_error"])
        ]
        return f"{', '.join(names) or 'Cette ligne'} : {WORDS['refused']['taken']}"
    faults = [one for one in refusal.get("detail", []) if isinstance(one, dict)]
    return " ".join(
        f"{titles.get(str(one['loc'][-1]), one['loc'][-1])} : "
        + WORDS["refused"].get(one["type"], WORDS["refused"]["unknown"]).format(**one.get("ctx", {}))
        for one in faults
    )


def page(template: str, configs: Sequence[Guarded]) -> str:
    """The admin's one page, with our style and our script, and the words that the script needs as plain data."""
    tables = {
        config.table_class._meta.tablename: {
            "title": str(config.table_class._meta.help_text).split(" — ")[0],
            "locked": config.locked,
            "locks": config.locks,
        }
        for config in configs
    }  # fmt: skip
    data = json.dumps({"tables": tables, "said": WORDS["said"]}, ensure_ascii=False).replace("<", "\\u003c")
    ours = (
        f'<script type="application/json" id="lc-words">{data}</script>'
        f'<script src="{asset("admin.js")}"></script><link rel="stylesheet" href="{asset("admin-tint.css")}">'
        '<link rel="stylesheet" href="/marque/couleurs.css">'
        f'<link rel="icon" href="{asset("icon.svg")}" type="image/svg+xml"></head>'
    )
    noscript = re.compile(r"<noscript>.*?</noscript>", re.DOTALL)
    page = noscript.sub("<noscript>Le référentiel demande JavaScript ; la facturation s’en passe.</noscript>", template)
    for before, after in (
        ("</head>", ours),
        ('lang="en"', 'lang="fr"'),
        ("<title>Piccolo Admin", "<title>Ligne Claire"),
    ):
        page = page.replace(before, after, 1)
    return page
