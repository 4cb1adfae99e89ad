"""The imports of the past and those that wait, latest first."""

from rules.files.rows import Values
from rules.states import ImportState
from tables.imports import ImportBatch

ON_A_PAGE = 25
TOLD = (
    ImportBatch.id, ImportBatch.name, ImportBatch.kind, ImportBatch.code, ImportBatch.state, ImportBatch.created_at,
    ImportBatch.rows, ImportBatch.created, ImportBatch.changed, ImportBatch.rejected, ImportBatch.actor,
)  # fmt: skip


async def history(kind: str, state: str, sheet: int) -> tuple[list[Values], int]:
    """A page of the batches of a kind in a state, and how many there are; an unknown kind or state is every one."""
    where = [ImportBatch.kind == kind] if kind else []
    where += [ImportBatch.state == state] if state in list(ImportState) else []
    rows = ImportBatch.select(*TOLD).where(*where).order_by(ImportBatch.id, ascending=False)
    found = await ImportBatch.count().where(*where)
    return await rows.limit(ON_A_PAGE).offset((sheet - 1) * ON_A_PAGE), found
