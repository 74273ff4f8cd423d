"""What the judge does not answer, and the three kinds in which it says so."""

from typing import Literal

__all__ = ["Kind", "Refused"]

Kind = Literal["syntax", "count", "evaluation"]


class Refused(Exception):  # noqa: N818  # a finding of the judge, no fault of it
    """The text has no answer.

    `syntax`: Spack does not read it; `count`: it is not exactly one spec; `evaluation`: it is read
    and cannot be judged.
    """

    def __init__(self, kind: Kind, why: str) -> None:
        super().__init__(f"{kind}: {why}")
        self.kind = kind
        self.why = why
