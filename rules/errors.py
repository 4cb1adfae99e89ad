"""Refusals are situations, each with its own class and a French sentence."""

import re


class RuleError(ValueError):
    """What the law refuses. `str()` says in French what is wrong, then what to do; `code` is stable for programs.

    >>> class PortingTooSoon(RuleError): pass
    >>> PortingTooSoon("Trop tôt.").code
    'PORTING_TOO_SOON'
    """

    @property
    def code(self) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).upper()


class NoReason(RuleError):
    """An act that must be explained, and is not."""
