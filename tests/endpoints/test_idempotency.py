"""A program that asks again with its key gets the first answer, and nothing happens twice."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tables.access import IdempotentCall
from tables.catalogue import RoamingZone

ZONES = b"zone;mcc\nEU;262+222\n"


def upload(program, key, data=ZONES, mode="all"):
    return program.post(
        f"/api/imports/roaming_zones?mode={mode}",
        content=b'--x\r\nContent-Disposition: form-data; name="file"; filename="z.csv"\r\n\r\n' + data + b"\r\n--x--\r\n",
        headers={"idempotency-key": key, "content-type": "multipart/form-data; boundary=x"},
    )


async def test_the_same_call_again_gets_the_same_answer_without_a_second_effect(program):
    first = await upload(program, "a")
    assert first.json()["created"] == 1
    await RoamingZone.delete(force=True)
    again = await upload(program, "a")
    assert (again.status_code, again.json(), again.headers["content-type"]) == (
        200, first.json(), first.headers["content-type"],
    )  # fmt: skip
    assert again.headers["idempotent-replayed"] == "true"
    assert not await RoamingZone.exists()
    assert (await upload(program, "b")).json()["duplicate_file"]  # another key is another call


@pytest.mark.parametrize("other", [{"data": b"zone;mcc\nZ1;262\n"}, {"mode": "valid"}])
async def test_the_same_key_for_another_call_is_refused(program, other):
    await upload(program, "a")
    refused = await upload(program, "a", **other)
    assert refused.status_code == 422 and refused.json()["type"].endswith("IDEMPOTENCY_MISMATCH")


async def test_a_refusal_is_an_answer_too(program):
    first = await upload(program, "a", data=b"zone;mcc\n")
    assert first.status_code == (await upload(program, "a", data=b"zone;mcc\n")).status_code
    assert (await IdempotentCall.select().first())["status"] == first.status_code


async def test_while_the_first_is_at_work_the_second_is_told_to_wait(program):
    answers = await asyncio.gather(*(upload(program, "a") for _ in range(4)))
    assert sorted({answer.status_code for answer in answers}) in ([200], [200, 409])
    assert await RoamingZone.count() == 1
    await IdempotentCall.update({IdempotentCall.status: None}, force=True)
    assert (await upload(program, "a")).status_code == 409


async def test_a_key_lapses_after_a_day_and_one_left_by_a_dead_process_after_a_quarter_of_an_hour(program):
    await upload(program, "a")
    past = datetime.now(UTC) - timedelta(hours=25)
    await IdempotentCall.update({IdempotentCall.created_at: past}, force=True)
    assert "idempotent-replayed" not in (await upload(program, "a")).headers
    just = datetime.now(UTC) - timedelta(minutes=16)
    await IdempotentCall.update({IdempotentCall.created_at: just, IdempotentCall.status: None}, force=True)
    assert (await upload(program, "a")).status_code == 200


async def test_a_key_that_is_none_is_refused_and_reading_needs_none(program):
    assert (await upload(program, "k" * 256)).status_code == 400
    assert (await program.get("/api/reseller", headers={"idempotency-key": "a"})).status_code == 200
    assert not await IdempotentCall.exists()
