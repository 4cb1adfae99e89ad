"""One factory makes every table of the generated admin, because its defaults do not hold: PUT runs no hook, PATCH may change
a primary key, hooks of one kind are lost when another stands between, lists of validators are shared (platform facts)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from piccolo.columns import Column, Text
from piccolo.columns.defaults import Default
from piccolo.table import Table
from piccolo_admin.endpoints import TableConfig
from piccolo_api.crud.endpoints import OrderBy
from piccolo_api.crud.hooks import Hook, HookType
from piccolo_api.crud.validators import Validators
from starlette.exceptions import HTTPException

from jobs.lawful import NotLawful, lawful
from rules.files.rows import Kind

Row = dict[str, Any]
READ_ONLY = "Cette table se consulte. Elle change par les imports, les pages et la facturation."
NO_PUT = "Un remplacement entier (PUT) n'est pas permis : envoyez les colonnes à changer."
NO_DELETE = "Cette table ne perd pas de ligne."
NO_CREATION = "Cette table ne reçoit de lignes que par les imports et les pages."


@dataclass
class Guarded(TableConfig):
    """A table of the admin, with what the page's script needs to know of its locks."""

    locked: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    """Among `readonly`, `closed` (no new row), `kept` (no deletion)."""


def refused(sentence: str) -> HTTPException:
    """405 is the one status whose `detail` the generated admin shows as a sentence."""
    return HTTPException(405, sentence)


def title(column: Column) -> str:
    """The French name of a column: what stands before the dash of its help text, and the rest too when another begins alike."""
    alike = [title_and_rest(other)[0] for other in column._meta.table._meta.columns]
    name, rest = title_and_rest(column)
    return f"{name}, {rest}" if alike.count(name) > 1 and rest else name


def title_and_rest(column: Column) -> tuple[str, str]:
    name, _, rest = (column._meta.help_text or column._meta.name).partition(" — ")
    return name, rest


def guarded(
    table: type[Table],
    menu: str,
    columns: str = "",
    *,
    protected: str = "",
    readonly: bool = False,
    creation: bool = True,
    law: Kind | None = None,
    used: Callable[[int], Awaitable[bool]] | None = None,
    frozen_when_used: bool = False,
) -> Guarded:
    """`columns`: those of the list. `protected`: those that never change here, beside the key. `law`: of the values.
    A row can be deleted only when `used` is given and says no; `frozen_when_used` then forbids its change too."""
    key = table._meta.primary_key
    listed = [table._meta.get_column_by_name(name) for name in columns.split()]
    locked = {key._meta.name, *protected.split()}
    locked |= {column._meta.name for column in table._meta.columns if column._meta.secret or column._meta.name == "created_at"}
    locked |= {column._meta.name for column in table._meta.columns} if readonly else set()

    async def before_patch(row_id: int, values: dict[Column, Any], request: Any) -> dict[Column, Any]:
        stored = (await table.select().where(key == row_id))[0]
        given = {column: filled(column, value) for column, value in values.items() if not column._meta.secret or value}
        changed = {column: value for column, value in given.items() if not same(value, stored[column._meta.name])}
        if touched := sorted(title(column) for column in changed if column._meta.name in locked):
            raise refused(f"{', '.join(touched)} : cela ne se change pas ici.")
        if changed and frozen_when_used and used and await used(row_id):
            raise refused("Cette version est utilisée : elle ne change plus. Créez-en une autre, valable à partir d'une date.")
        final = accepted({**stored, **{column._meta.name: value for column, value in changed.items()}})
        return {column: final[column._meta.name] for column in changed} or {key: row_id}

    def before_save(row: Table) -> Table:
        for column in table._meta.columns:
            if column is not key:
                setattr(row, column._meta.name, filled(column, getattr(row, column._meta.name)))
        for name, value in accepted(row.to_dict()).items():
            setattr(row, name, value)
        return row

    async def before_delete(row_id: int) -> None:
        if used and await used(row_id):
            raise refused("Cette ligne est utilisée : elle reste.")

    def accepted(row: Row) -> Row:
        for column in table._meta.columns:
            acceptable(column, row[column._meta.name])
        try:
            return {**row, **(lawful(law, row) if law else {})}
        except NotLawful as refusal:
            titles = {column._meta.name: title(column) for column in table._meta.columns}
            raise refused(" ".join(f"{titles[one['field']]} : {one['message']}" for one in refusal.errors)) from None

    locks = {"readonly": readonly, "closed": readonly or not creation, "kept": readonly or used is None}
    hooks = [
        Hook(HookType.pre_delete, before_delete),
        Hook(HookType.pre_patch, before_patch),
        Hook(HookType.pre_save, before_save),
    ]
    return Guarded(
        table,
        menu_group=menu,
        visible_columns=listed or None,
        visible_filters=listed or None,
        link_column=listed[0] if listed else None,
        hooks=sorted(hooks, key=lambda hook: hook.hook_type.value),
        order_by=[OrderBy(key, ascending=not readonly)],
        locked=tuple(sorted(locked)),
        locks=tuple(lock for lock, holds in locks.items() if holds),
        validators=Validators(
            put_single=[deny(NO_PUT)],
            delete_all=[deny(NO_DELETE)],
            patch_single=[deny(READ_ONLY)] if locks["readonly"] else [],
            post_single=[deny(NO_CREATION)] if locks["closed"] else [],
            delete_single=[deny(NO_DELETE)] if locks["kept"] else [],
        ),
    )


def deny(sentence: str) -> Callable[..., None]:
    def validator(piccolo_crud: Any, request: Any) -> None:
        raise refused(sentence)

    return validator


def filled(column: Column, value: Any) -> Any:
    """An empty field, where the database wants a value: the column's default."""
    if value is None and not column._meta.null:
        value = column.get_default_value()
        value = value.python() if isinstance(value, Default) else value
    return getattr(value, "value", value)


def same(new: Any, stored: Any) -> bool:
    """Whether a field came back as it was: the form sends every column, and instants without their fraction of a second."""
    if isinstance(new, datetime) and isinstance(stored, datetime):
        return abs((new - stored).total_seconds()) < 1
    if isinstance(stored, Decimal) and isinstance(new, (Decimal, float, int)):
        return Decimal(str(new)) == stored
    return new == stored


def acceptable(column: Column, value: Any) -> None:
    """What the generated admin lets through and no column should hold: an unknown choice, an invisible sign."""
    choices = column._meta.choices
    if choices is not None and value is not None and value not in {choice.value for choice in choices}:
        raise refused(f"{title(column)} : choisissez dans la liste.")
    if isinstance(value, str):
        seen = value.replace("\n", "").replace("\r", "").replace("\t", "") if isinstance(column, Text) else value
        if not seen.isprintable():
            raise refused(f"{title(column)} : un signe invisible s'y trouve. Retapez ce texte.")
