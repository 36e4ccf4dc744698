"""LOOK: the command line by which a NAME was last started or adopted."""

from __future__ import annotations

import os

from watchdog_tools.commandline import LARGEST, parse
from watchdog_tools.record import Corrupt
from watchdog_tools.system import statedir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.commandline import Kept


def read(path: str, name: str) -> Kept | None:
    """Return what the state directory `path` holds for NAME, None if it was never kept here.

    Raise NoState for a directory that we may not use, Corrupt with a sentence for a file that is not to be believed.
    """
    try:
        directory = statedir.enter(f"{path}/lock")
    except statedir.NoState as error:
        if error.missing:
            return None
        raise
    try:
        data = statedir.contents(directory, f"{name}.command", LARGEST)
        return None if data is None else parse(data)
    except ValueError as error:
        raise Corrupt(str(error)) from None
    except OSError as error:
        raise Corrupt(f"it cannot be read: {error.strerror}") from None
    finally:
        os.close(directory)
