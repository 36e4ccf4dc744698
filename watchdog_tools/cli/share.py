"""What an installation has in its share/: man pages and completion, where man and the shells look beside a `bin`.

The build writes it (`hatch_build.py`), on a machine that need not have what the commands need.
"""

from __future__ import annotations

from watchdog_tools import scripts
from watchdog_tools.cli import man
from watchdog_tools.cli.command import find
from watchdog_tools.cli.completion import bash, fish, zsh

_FORMS = {
    "man/man1/{}.1": man.render,
    "bash-completion/completions/{}": bash.script,
    "fish/vendor_completions.d/{}.fish": fish.script,
    "zsh/site-functions/_{}": zsh.script,
}


def files() -> dict[str, str]:
    """Return the text of each file by its path below share/, `man/man1/check-port.1`."""
    return {form.format(name): render(find(name)) for form, render in _FORMS.items() for name in scripts()}
