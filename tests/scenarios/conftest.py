"""Scenarios enter by the same doors as the tests of endpoints."""

from tests.endpoints.conftest import _fresh, clerk, program, user, visitor  # noqa: F401
