"""What the page « Réseau » and the API show: the requests, for whom each is, and what it asks."""

import json
from dataclasses import dataclass
from typing import Any

from piccolo.query.functions.aggregate import Count

from jobs.network.asking import CONTENT
from rules.states import UNSETTLED, RequestState
from tables.changes import NetworkAnswerFile, NetworkBatch, NetworkRequest

Row = dict[str, Any]
ON_A_PAGE = 50
FEWEST_DIGITS = 4  # of a number that is looked for
MOST = 1_000
ALL = "toutes"
LINE_OF: Any = NetworkRequest.line.customer
ORDER_OF: Any = NetworkRequest.item.customer_order
SHOWN = (
    *NetworkRequest.all_columns(), NetworkRequest.line.msisdn, LINE_OF.customer_number, LINE_OF.company_name, ORDER_OF.id,
    ORDER_OF.number, ORDER_OF.customer.customer_number, ORDER_OF.customer.company_name, NetworkRequest.batch.name,
)  # fmt: skip


@dataclass(frozen=True)
class Sought:
    """`state` empty: what waits for an answer, and the refusals not seen; ALL: any. `text`: a number, a customer."""

    state: str = ""
    kind: str = ""
    text: str = ""
    batch: str = ""

    def conditions(self) -> list[Any]:
        found: list[Any] = []
        if self.state != ALL:
            found.append(NetworkRequest.state == self.state if self.state else to_do())
        if self.kind:
            found.append(NetworkRequest.kind == self.kind)
        if self.batch:
            found.append(NetworkRequest.batch.name == self.batch)
        if self.text:
            word = f"%{self.text[:60]}%"
            either = LINE_OF.company_name.ilike(word) | ORDER_OF.customer.company_name.ilike(word)
            digits = "".join(sign for sign in self.text if sign in "0123456789").lstrip("0")[:18]
            if len(digits) >= FEWEST_DIGITS:
                either = either | NetworkRequest.msisdn.like(f"%{digits}%") | NetworkRequest.line.msisdn.like(f"%{digits}%")
            found.append(either)
        return found


def to_do() -> Any:
    """What the network has still to answer, and what it refused and nobody has seen."""
    unseen = (NetworkRequest.state == RequestState.refused) & NetworkRequest.seen.eq(False)
    return NetworkRequest.state.is_in(list(UNSETTLED)) | unseen


async def listing(sought: Sought, limit: int = ON_A_PAGE, offset: int = 0) -> tuple[list[Row], int]:
    """A page of requests, the oldest first, and how many there are."""
    conditions = sought.conditions()
    rows = NetworkRequest.select(*SHOWN).where(*conditions).order_by(NetworkRequest.id).limit(limit).offset(offset)
    total = await NetworkRequest.select(Count(alias="requests")).where(*conditions).first()
    return [shown(row) for row in await rows], (total or {"requests": 0})["requests"]


async def of_ids(ids: list[int]) -> list[Row]:
    """These requests, the oldest first, at most MOST."""
    chosen = NetworkRequest.id.is_in(ids or [0])
    return [shown(row) for row in await NetworkRequest.select(*SHOWN).where(chosen).order_by(NetworkRequest.id).limit(MOST)]


def shown(row: Row) -> Row:
    """A request as a person and a program read it: its content by name, its customer, its order."""
    carried = json.loads(row["payload"])
    side = "line.customer" if row["line"] else "item.customer_order.customer"
    kept = ("id", "kind", "state", "line", "change", "item", "attempts", "requested_at", "sent_at", "settled_at", "seen", "actor")
    return {name: row[name] for name in kept} | {
        **{name: str(carried.get(name) or "") for name in CONTENT}, "msisdn": row["msisdn"] or row["line.msisdn"] or "",
        "customer_number": row[f"{side}.customer_number"] or "", "company_name": row[f"{side}.company_name"] or "",
        "order": row["item.customer_order.id"], "order_number": row["item.customer_order.number"] or "",
        "effective_on": row["effective_on"], "reason": row["reason"], "batch": row["batch.name"] or "",
    }  # fmt: skip


async def counts() -> dict[str, int]:
    """How many of those to do are in each state."""
    rows = NetworkRequest.select(NetworkRequest.state, Count(alias="requests")).where(to_do()).group_by(NetworkRequest.state)
    return {str(state): 0 for state in RequestState} | {row["state"]: row["requests"] for row in await rows}


async def batches() -> list[Row]:
    """The last files that left."""
    return await NetworkBatch.select().order_by(NetworkBatch.id, ascending=False).limit(10)


async def batches_named(name: str) -> list[Row]:
    return await NetworkBatch.select().where(NetworkBatch.name == name)


async def answer_files() -> list[Row]:
    """The last files that were read, with what was odd in them."""
    rows = await NetworkAnswerFile.select().order_by(NetworkAnswerFile.id, ascending=False).limit(10)
    return [row | {"problems": json.loads(row["problems"])} for row in rows]
