"""What the shells offer at a TAB: bash, fish and zsh, each with the completion files that the installation brings."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers.commands import BIN, environment, run
from helpers.components import need
from helpers.fair_clock import Deadline

SHARE = Path(sys.prefix, "share")
BREAKS = re.compile(r"([=:])")  # of bash's COMP_WORDBREAKS, as far as they stand in our lines
_ZSH = """
PS1= LISTMAX=10000
fpath=({share}/zsh/site-functions $fpath)
autoload -Uz compinit
compinit -u -D
compadd() {{ # note what is offered; what a function asks for itself is not offered yet
  if [[ ${{@[1,(i)(-|--)]}} != *-(O|A|D)\\ * ]]; then
    local -a hits
    builtin compadd -A hits "$@"
    (( $#hits )) && print -rl -- $hits >&3
  fi
  builtin compadd "$@"
}}
typed() {{ print -r -- "= $BUFFER" >&3 }}
zle -N typed
bindkey '^T' typed
exec 3>>{told}
print -r -- ready >&3
"""
_BASH = """
PS1=
. /usr/share/bash-completion/bash_completion
bind 'set enable-bracketed-paste off' 'set completion-query-items 0'
bind -x '"\\C-t": printf "= %s\\n" "$READLINE_LINE" >>{told}'
echo ready >>{told}
"""
_ASK = """
set -u
. {file}
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMP_LINE={line} COMP_POINT=${{#COMP_LINE}}
{function} {name} x y
printf '%s\\n' ${{COMPREPLY[@]+"${{COMPREPLY[@]}}"}}
"""


def bash(line: str, room: Path, options: str = "", **popen: Any) -> list[str]:
    """Return what our function leaves for `line`, its words divided as readline does; it must write no error."""
    del room
    name = line.split(maxsplit=1)[0]
    words = [part for word in re.split(r"\s+", line) for part in BREAKS.split(word) if part]
    words += [""] if line[-1] == " " else []
    script = options + _ASK.format(
        file=SHARE / "bash-completion/completions" / name, words=shlex.join(words), line=shlex.quote(line), name=name,
        function="_" + name.replace("-", "_"),
    )  # fmt: skip
    ran = run(need("bash"), "--norc", "-c", script, **popen)
    assert (ran.code, ran.err) == (0, ""), ran
    return sorted(filter(None, ran.out.splitlines()))


def fish(line: str, room: Path, **popen: Any) -> list[str]:
    """Return what fish offers for `line`; it finds the file by itself, where XDG_DATA_DIRS leads to it."""
    env = {**popen.pop("env", os.environ), "XDG_DATA_DIRS": f"{SHARE}:/usr/share", "XDG_CONFIG_HOME": str(room)}
    env["XDG_DATA_HOME"] = str(room)
    env["PATH"] = f"{BIN}:{os.environ['PATH']}"  # fish completes no command that is not there
    ran = run(need("fish"), "-c", f"complete -C {shlex.quote(line)}", env=env, **popen)
    assert (ran.code, ran.err) == (0, ""), ran
    return sorted({each.partition("\t")[0] for each in ran.out.splitlines()})


def zsh(line: str, room: Path, **popen: Any) -> list[str]:
    """Return what an interactive zsh offers for `line` when TAB is pressed."""
    (room / ".zshrc").write_text(_ZSH.format(share=SHARE, told=room / "told"))
    env = {**popen.pop("env", os.environ), "ZDOTDIR": str(room)}
    *offered, _ = _terminal([need("zsh"), "-i"], line, room / "told", env=env, **popen)
    return sorted(set(offered))


SHELLS: dict[str, Callable[..., list[str]]] = {"bash": bash, "fish": fish, "zsh": zsh}


def bash_at_a_prompt(line: str, room: Path) -> str:
    """Return the line that an interactive bash has after TAB; bash-completion loads our file by the program's name."""
    need("/usr/share/bash-completion/bash_completion")
    (room / "rc").write_text(_BASH.format(told=room / "told"))
    env = {**os.environ, "XDG_DATA_DIRS": f"{SHARE}:/usr/share", "HOME": str(room), "TERM": "dumb"}
    words = [need("bash"), "--noprofile", "--rcfile", str(room / "rc"), "-i"]
    return _terminal(words, line, room / "told", env=env)[-1]


def _terminal(words: list[str], line: str, told: Path, **popen: Any) -> list[str]:
    """Type `line`, TAB and Control-T at a terminal of its own; return the lines told since, the typed one last."""
    told.write_text("")
    told.chmod(0o666)
    ours, theirs = pty.openpty()
    popen["env"] = environment({"TERM": "dumb", **popen["env"]})
    shell = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, **popen)
    os.close(theirs)
    seen = bytearray()
    try:
        _until(lambda: "ready\n" in told.read_text(), ours, seen)
        told.write_text("")
        os.write(ours, line.encode() + b"\t\x14")
        _until(lambda: re.search(r"^= .*\n", told.read_text(), re.MULTILINE), ours, seen)
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)
    *offered, typed = told.read_text().splitlines()
    return [*offered, typed.removeprefix("= ")]


def _until(done: Callable[[], object], terminal: int, seen: bytearray) -> None:
    """Read the terminal, which would otherwise fill, until `done`."""
    deadline = Deadline(20)
    while not done():
        assert deadline.left() > 0, f"the shell does not go on: {bytes(seen)!r}"
        if select.select([terminal], [], [], 0.05)[0]:
            seen += os.read(terminal, 4096)
