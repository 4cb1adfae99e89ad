"""Scenarios walk through the pages as a clerk does, and through the API as a program does."""

from tests.endpoints.conftest import _fresh, clerk, program, user, visitor  # noqa: F401
