"""Code maps: what a supplier's code stands for."""

from collections.abc import Mapping


class Codes:
    """A map whose codes may end with `*`; upper and lower case are one when nothing else is written.

    >>> codes = Codes({"V": "VOICE", "20*": "SMS OUT", "*": "DATA"})
    >>> codes.get("v"), codes.get("2011"), codes.get("x"), Codes({}).get("x")
    ('VOICE', 'SMS OUT', 'DATA', None)
    """

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self.exact = {code.casefold(): meaning for code, meaning in meanings.items()} | dict(meanings)
        self.begins = sorted(
            ((code[:-1], meaning) for code, meaning in meanings.items() if code.endswith("*")), key=lambda one: -len(one[0])
        )

    def __bool__(self) -> bool:
        return bool(self.exact)

    def get(self, code: str) -> str | None:
        if (found := self.exact.get(code)) is None and (found := self.exact.get(code.casefold())) is None:
            for begin, meaning in self.begins:
                if code.startswith(begin):
                    return meaning
        return found
