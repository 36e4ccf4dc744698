"""Words: what to ask of one port, and what its answers are called."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.certificates import Trust
    from watchdog_tools.targets import Target
    from watchdog_tools.timing import Timing


class Ask:
    """What to ask of one port.

    wait: seconds to go on trying, 0 for one try. expect: banners, one of which must come. trust:
    None for no TLS. refuse, mismatch: the states for that. jail: never show what the server said.
    """

    __slots__ = (
        "expect", "family", "jail", "mismatch", "refuse", "target", "timing", "trust", "wait",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self,
        target: Target,
        timing: Timing,
        *,
        refuse: int,
        mismatch: int,
        family: int = 0,
        wait: float = 0.0,
        expect: tuple[bytes, ...] = (),
        jail: bool = False,
        trust: Trust | None = None,
    ) -> None:
        """Take the fields as the class describes them."""
        self.target = target
        self.timing = timing
        self.family = family
        self.wait = wait
        self.expect = expect
        self.jail = jail
        self.trust = trust
        self.refuse = refuse
        self.mismatch = mismatch
