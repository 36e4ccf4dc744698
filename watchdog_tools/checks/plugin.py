"""Probe by somebody else's Nagios plugin. Exit 0-3 is its verdict, the first line its words."""

from __future__ import annotations

import os
import select

from watchdog_tools.core import OK, UNKNOWN, Result
from watchdog_tools.core.text import quoted
from watchdog_tools.system.identity import pidfd, require_pidfd
from watchdog_tools.workers.worker import TALK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.workers.worker import Progress

_ENOUGH = 8192  # bytes of output; the first line is all that is used


def probe(words: tuple[str, ...], progress: Progress, *, trust_any: bool = False) -> Result:
    """Return the verdict of the plugin `words`. It dies with this worker, whose process group it is in.

    trust_any: root executes it though others could replace it.
    """
    name = quoted(os.path.basename(words[0]), 64)
    executable = None
    if not (os.geteuid() or trust_any):
        executable, unsafe = _trusted(words[0])
        if unsafe:
            refused = f"the plugin {name} is refused: {quoted(unsafe)} (--allow-unsafe-path)"
            return Result(UNKNOWN, refused, reason="insecure")
        if executable is None:
            return Result(UNKNOWN, f"cannot run the plugin {name}: {os.strerror(2)}", reason="plugin")
    progress(TALK, f"waiting for the plugin {name}")
    return _run(words, executable, name)


def _run(words: tuple[str, ...], executable: str | None, name: str) -> Result:
    """Run the plugin. `executable` is the file that is executed, None for the one that PATH finds."""
    import subprocess

    try:
        require_pidfd()
        plugin = subprocess.Popen(
            words, executable=executable, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return Result(UNKNOWN, f"cannot run the plugin {name}: {reason}", reason="plugin")
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
    from watchdog_tools.system.executables import located
    from watchdog_tools.system.path_trust import untrusted_program

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
