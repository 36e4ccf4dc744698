"""LOOK: run somebody else's check as a Nagios plugin. Exit 0-3 is its verdict, the first line its words."""

from __future__ import annotations

import os
import select

from watchdog_tools.result import OK, UNKNOWN, Result
from watchdog_tools.system.identity import pidfd, require_pidfd
from watchdog_tools.system.looker import TALK
from watchdog_tools.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.system.looker import Say

_ENOUGH = 8192  # bytes of output; the first line is all that is used


def look(words: tuple[str, ...], say: Say, *, trust_any: bool = False) -> Result:
    """Return the verdict of the plugin `words`. It dies with this looker, whose group it is in.

    trust_any: root executes it though others could replace it.
    """
    import subprocess

    name = quoted(os.path.basename(words[0]), 64)
    executable = None
    if not (os.geteuid() or trust_any):
        executable, unsafe = _trusted(words[0])
        if unsafe:
            refused = f"the plugin {name} is refused: {quoted(unsafe)} (--allow-unsafe-path)"
            return Result(UNKNOWN, refused, reason="insecure")
        if executable is None:
            return Result(UNKNOWN, f"cannot run the plugin {name}: {os.strerror(2)}", reason="plugin")
    say(TALK, f"waiting for the plugin {name}")
    try:
        require_pidfd()
        plugin = subprocess.Popen(
            words, executable=executable, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return Result(UNKNOWN, f"cannot run the plugin {name}: {why}", reason="plugin")
    output = _output(plugin.stdout.fileno() if plugin.stdout else -1, plugin.pid)
    code = plugin.wait()
    if not OK <= code <= UNKNOWN:
        ending = f"killed by signal {-code}" if code < 0 else f"exit {code}"
        return Result(UNKNOWN, f"the plugin {name} gave no verdict ({ending})", reason="plugin")
    line = output.split(b"\n", 1)[0].split(b"|", 1)[0].strip()
    return Result(code, quoted(line) or f"{name} said nothing (exit {code})")


def _trusted(word: str) -> tuple[str | None, str]:
    """Return the file that root executes for `word`, and why it does not, if so; None for one that is not there.

    It is this very file that is executed: an empty or relative place in PATH is whatever directory we stand in.
    """
    from watchdog_tools.system.commands import located
    from watchdog_tools.system.trust import untrusted_program

    path = os.environ.get("PATH", os.defpath)
    try:
        executable = located(word, path)
        return executable, untrusted_program(executable, path) if executable else ""
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"{word}: {error.strerror}"


def _output(descriptor: int, pid: int) -> bytes:
    """Read until the plugin closes its output or ends: what it left in the background may hold it open."""
    handle = pidfd(pid)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.register(handle, select.POLLIN)
    data = b""
    while True:
        ready = dict(poll.poll())
        chunk = os.read(descriptor, 65536) if descriptor in ready else b""
        data = (data + chunk)[:_ENOUGH]
        if not chunk:
            os.close(handle)
            return data
