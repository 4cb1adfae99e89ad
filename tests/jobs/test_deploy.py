"""What the clock calls exists, and nothing that the clock should call is forgotten."""

import re
from pathlib import Path

import pytest

from jobs.schedule import JOBS

DEPLOY = Path(__file__).parent.parent.parent / "deploy"


@pytest.mark.parametrize("names", ["crontab", "*.service"])
def test_every_job_is_started_by_the_clock_and_no_other_is(names):
    text = "\n".join(path.read_text() for path in DEPLOY.glob(names))
    started = {name for names in re.findall(r"run-job ([a-z -]+)$", text, re.M) for name in names.split()}
    assert started == set(JOBS)
