"""The two engines behind one face: SQLite tuned for one machine, PostgreSQL with a pool.

SQLite: Piccolo's own engine opens DEFERRED transactions, in which concurrent writers lose their work, and sets no pragma.
Here every transaction is IMMEDIATE, the journal is WAL, a commit is on disk before it is told, and SELECTs outside a
transaction share one connection so that a long write never makes a reader wait.
"""

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import aiosqlite
import asyncpg
from piccolo.columns import Column
from piccolo.engine.finder import engine_finder
from piccolo.engine.postgres import PostgresEngine
from piccolo.engine.sqlite import SQLiteEngine, TransactionType, dict_factory
from piccolo.table import Table

NOT_UNIQUE = (sqlite3.IntegrityError, asyncpg.UniqueViolationError)  # what a second row of the same key raises
PRAGMAS = ("foreign_keys=1", "busy_timeout=30000", "synchronous=FULL", "cache_size=-32000")


class TunedSQLite(SQLiteEngine):
    __slots__ = ("_idle", "_lock", "_loop", "_shared")

    def __init__(self, path: str) -> None:
        super().__init__(path=path, timeout=30)
        self._idle: list[aiosqlite.Connection] = []
        self._shared: aiosqlite.Connection | None = None
        self._lock: asyncio.Lock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def get_connection(self) -> aiosqlite.Connection:
        """For one transaction. `close` lays it aside for the next: opening one costs more than most transactions."""
        if self._loop is not asyncio.get_running_loop():
            return await self._open()
        connection = self._idle.pop() if self._idle else await self._open()
        connection.close = partial(self._lay_aside, connection)  # type: ignore[method-assign]
        return connection

    async def _open(self) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(**self.connection_kwargs)
        connection.row_factory = dict_factory  # type: ignore[assignment]
        for pragma in PRAGMAS:
            await connection.execute(f"PRAGMA {pragma}")
        return connection

    async def _lay_aside(self, connection: aiosqlite.Connection) -> None:
        if self._shared is None or connection.in_transaction:
            await aiosqlite.Connection.close(connection)
        else:
            self._idle.append(connection)

    async def start_connection_pool(self, **_: Any) -> None:
        async with aiosqlite.connect(**self.connection_kwargs) as connection:
            await connection.execute("PRAGMA journal_mode=WAL")
        self._lock, self._loop, self._shared = asyncio.Lock(), asyncio.get_running_loop(), await self._open()

    async def close_connection_pool(self) -> None:
        idle, self._idle, shared, self._shared, self._loop = self._idle, [], self._shared, None, None
        for connection in [*idle, shared] if shared else idle:
            await aiosqlite.Connection.close(connection)

    async def _run_in_new_connection(self, query, args=None, query_type="generic", table=None):
        reading = query.lstrip()[:6].upper() == "SELECT"
        if reading and self._shared and self._lock and self._loop is asyncio.get_running_loop():
            async with self._lock, self._shared.execute(query, args or []) as cursor:
                return await cursor.fetchall()
        connection = await self.get_connection()
        try:
            return await self._run_in_existing_connection(connection, query, args, query_type, table)
        finally:
            await connection.close()

    def transaction(self, transaction_type=TransactionType.immediate, allow_nested=True):
        return super().transaction(transaction_type=transaction_type, allow_nested=allow_nested)

    def atomic(self, transaction_type=TransactionType.immediate):
        return super().atomic(transaction_type=transaction_type)


def make_engine(database_url: str, sqlite_path: str) -> TunedSQLite | PostgresEngine:
    """PostgreSQL when an address is given, else SQLite at that path."""
    return PostgresEngine(config={"dsn": database_url}) if database_url else TunedSQLite(path=sqlite_path)


def engine() -> TunedSQLite | PostgresEngine:
    """The engine in use (piccolo_conf.DB)."""
    return engine_finder()  # type: ignore[return-value]


def transaction() -> Any:
    """The one way to write: IMMEDIATE on SQLite. Keep it short; a nested one is not a savepoint."""
    return engine().transaction()


def connection() -> Any:
    """The driver's own connection of the transaction under way."""
    return engine().current_transaction.get().connection  # type: ignore[union-attr]


def on_sqlite() -> bool:
    return engine().engine_type == "sqlite"


async def insert_many(table: type[Table], columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of plain values, inside a transaction, an order of magnitude faster than row objects. JSON comes as text."""
    names = [column._meta.db_column_name for column in columns]
    if on_sqlite():
        marks = ",".join("?" * len(names))
        await connection().executemany(f"INSERT INTO {table._meta.tablename} ({','.join(names)}) VALUES ({marks})", rows)
    else:
        await connection().copy_records_to_table(table._meta.tablename, records=rows, columns=names)


async def update_many(column: Column, values: Mapping[int, Any]) -> None:
    """Set a column on several rows by primary key, inside a transaction."""
    if values:
        marks = ("?", "?") if on_sqlite() else ("$1", "$2")
        table, name = column._meta.table._meta.tablename, column._meta.db_column_name
        await connection().executemany(
            f"UPDATE {table} SET {name} = {marks[0]} WHERE id = {marks[1]}", [(value, id) for id, value in values.items()]
        )


async def claim(table: type[Table], values: dict[Any, Any], *where: Any) -> list[int]:
    """Change the rows that still are as they were seen; the keys of those that this call changed: of two at once one wins."""
    key = table._meta.primary_key
    return [row[key._meta.name] for row in await table.update(values).where(*where).returning(key)]


async def reserve_ids(table: type[Table], count: int) -> range | list[int]:
    """Fresh primary keys, so that parents and children can be inserted in bulk; inside a transaction."""
    name = table._meta.tablename
    if on_sqlite():
        found = await table.raw("SELECT seq FROM sqlite_sequence WHERE name = {}", name)
        start = (found[0]["seq"] if found else 0) + 1
        return range(start, start + count)
    found = await table.raw("SELECT nextval(pg_get_serial_sequence({}, 'id')) AS id FROM generate_series(1, {})", name, count)
    return [row["id"] for row in found]
