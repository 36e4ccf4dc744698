"""A directory where a benchmark starts supervisors, and of which nothing stays, also after ^C."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from helpers.components import PLACES
from helpers.processes import TOKEN, end_carriers

# Where the commands under test are, and Debian's daemons.
PATH = f"{Path(sys.executable).parent}:{PLACES}"


@contextlib.contextmanager
def bench_directory() -> Iterator[Path]:
    """Yield a short-named directory; at the end, nothing lives that was started with `spawn`, or by that."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    with tempfile.TemporaryDirectory(prefix="wdt-bench-") as name:
        place = Path(name)
        place.chmod(0o755)
        try:
            yield place
        finally:
            end_carriers(place.name)


def leave(number: int, _: object) -> None:
    """End what was started, and go; a second ^C does not interrupt that."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def spawn(argv: list[str], place: Path, below: Path) -> subprocess.Popen[bytes]:
    """Start `argv` in `below` as cron would, with a session and a plain environment; what it says is in `said`."""
    environment = {"PATH": PATH, "LANG": "C.UTF-8", TOKEN: place.name}
    null = subprocess.DEVNULL
    with (below / "said").open("ab") as said:
        return subprocess.Popen(
            argv, env=environment, stdin=null, stdout=said, stderr=said, cwd=below, start_new_session=True
        )
