"""The real programs that a test needs: without one it is skipped, in CI it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

# Debian keeps daemons and plugins off a plain user's PATH.
PLACES = os.pathsep.join(
    [os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/nagios/plugins"]
)
NOBODY = 65534


def required() -> bool:
    """Whether everything must be there, as in CI."""
    return os.environ.get("REQUIRE_COMPONENTS") == "1"


def lacking(what: str) -> NoReturn:
    """Skip the test, or fail it where everything must be there."""
    if required():
        pytest.fail(f"REQUIRE_COMPONENTS=1, but {what}", pytrace=False)
    pytest.skip(what)


def need(name: str) -> str:
    """Return the path of the program (or, with a slash, of the file) `name`."""
    found = name if "/" in name and Path(name).exists() else shutil.which(name, path=PLACES)
    if found is None:
        lacking(f"{name} is not installed")
    return found


def only_root(reason: str) -> None:
    """Go on only as root. An ordinary user lacks no component: the test is skipped in CI, too."""
    if os.geteuid() != 0:
        pytest.skip(f"root: {reason}")


def need_works(*argv: str) -> None:
    """Go on only if `argv`, a harmless trial such as `unshare -m true`, succeeds here."""
    done = subprocess.run(
        [need(argv[0]), *argv[1:]], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
    )
    if done.returncode:
        lacking(f"{' '.join(argv)}: {done.stderr.decode(errors='replace').strip() or done.returncode}")


def need_nobody(program: str) -> dict[str, object]:
    """Return Popen's options for running `program` as nobody; go on only if nobody can."""
    only_root("runs a command as another user")
    options: dict[str, object] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=10, check=False, cwd="/", **options)  # type: ignore[call-overload]
        reason = done.stderr.decode(errors="replace").strip() if done.returncode else ""
    except OSError as error:
        reason = str(error)
    if reason:
        lacking(f"nobody cannot execute {program}: {reason}")
    return options


def plain_user(program: str, place: Path) -> dict[str, object]:
    """Return Popen's options for running `program` without root's rights, as the owner of the directory `place`.

    An ordinary user does so anyway; root becomes nobody, who is given the directory.
    """
    if os.geteuid():
        return {}
    options = need_nobody(program)
    os.chown(place, NOBODY, NOBODY)
    return options
