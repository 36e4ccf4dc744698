"""Keep accidents out: a PYTHONPATH or user site in force must not replace our modules or libraries."""

from __future__ import annotations

import os
import sys


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
