"""The first of our code that a console script runs: keep accidents out of the import path, then on to the guard."""

from __future__ import annotations

import gc
import os
import sys

from watchdog_tools.cli.signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def start(name: str) -> NoReturn:
    """Run the console script `name`, isolated from what the environment adds to the import path."""
    try:
        signals = Signals()
        isolate()
        gc.disable()  # a process that lives for milliseconds collects no garbage worth 0.7 M instructions
        from watchdog_tools.cli.guard import guard
        from watchdog_tools.cli.inner import find

        command = find(name)
    except BaseException as error:  # noqa: BLE001 -- no memory, no descriptors, a broken installation
        words = f"{name} UNKNOWN - cannot be loaded: {type(error).__name__}: {error}"[:1000]
        try:
            os.write(1, "".join(char if " " <= char <= "~" else "?" for char in words).encode() + b"\n")
        finally:
            os._exit(3)
    guard(command, sys.argv[1:], signals)


def isolate() -> None:
    """Replace this process by `python -I` on the same words, unless our own package comes from there.

    It guards against accidents only: who controls the environment of root owns the run anyway.
    """
    if sys.flags.isolated or not in_force() or ours_is_there():
        return
    os.execv(sys.executable, [sys.executable, "-I", *sys.argv])  # noqa: S606 -- ourselves


def in_force() -> list[str]:
    """Return the places outside the installation that modules may come from."""
    places = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    if os.environ.get("PYTHONHOME"):
        places.append(os.environ["PYTHONHOME"])
    site = sys.modules.get("site")
    user = getattr(site, "USER_SITE", None)
    if user and getattr(site, "ENABLE_USER_SITE", False) and user in sys.path:
        places.append(user)
    return places


def ours_is_there() -> bool:
    """Whether this very package was loaded from one of those places, so that -I would lose it."""
    return any(os.path.abspath(__file__).startswith(os.path.abspath(place) + os.sep) for place in in_force())
