"""Processes to kill and to race, and the months that they bill."""

import shutil
import tempfile
from pathlib import Path

import month_samples
import pytest
from children import Child, Nursery, paths_of


@pytest.fixture(scope="session")
def nursery():
    folder = Path(tempfile.mkdtemp(prefix="nursery-"))
    made = Nursery(folder)
    yield made
    made.close()
    shutil.rmtree(folder)


@pytest.fixture
def child(database_env, nursery):
    """Makes children on this test's database; they die with the test."""
    born: list[Child] = []

    def bear() -> Child:
        born.append(nursery.child(database_env))
        return born[-1]

    yield bear
    for one in born:
        one.close()


@pytest.fixture(scope="session")
def two_months(tmp_path_factory):
    return month_samples.make(tmp_path_factory.mktemp("months") / "two", months=2)


@pytest.fixture(scope="session")
def uninterrupted(migrated_sqlite, two_months, nursery, tmp_path_factory):
    """The two months billed without a fault on SQLite: what is told then; how many events and seconds each stage takes."""
    root = tmp_path_factory.mktemp("golden")
    shutil.copy(migrated_sqlite, root / "ligne_claire.sqlite")
    one = nursery.child({"DATA_DIR": str(root), "DATABASE_URL": ""})
    measures: dict[tuple[str, str], dict] = {}

    def measured(month: str, stage: str, order: str, **values):
        one.send(order, clock=month_samples.CLOCKS[month], **values)
        measures[month, stage] = one.answer()
        return measures[month, stage]["answer"]

    one.ask("import_reference", source=str(two_months), month="2026-10")
    for month in month_samples.CLOCKS:
        measured(month, "load", "load", paths=paths_of(two_months, month))
        run = one.ask("start", month=month)["id"]
        assert measured(month, "draft", "work", run=run, stages=[]) == "controlled"
        one.ask("waive", run=run)
        for stage, end in (("validate", "validated"), ("print", "printed")):
            one.ask("begin", run=run, stage=stage)
            assert measured(month, stage, "work", run=run, stages=[]) == end
    found = one.ask("tell")
    one.close()
    assert found["stored"] == found["named"]
    return found["told"], measures
