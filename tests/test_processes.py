"""Words: each filter says no, maybe or yes, and all must match."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from watchdog_tools.processes import MAYBE, NO, YES, Wanted, match


@dataclass
class Stat:
    """What a process is at the moment."""

    comm: bytes = b"agent"
    kernel: bool = False
    parent: int = 1
    state: str = "S"
    ticks: int = 1

    @property
    def running(self) -> bool:
        """A zombie is not."""
        return self.state != "Z"


@dataclass
class Process:
    """Facts without a machine."""

    line: bytes = b"/opt/agent\0--port\08080\0"
    exe: str | None = "/opt/agent"
    stat: Stat = field(default_factory=Stat)
    uid: int = 1000
    pid: int = 7
    figure: float | None = None
    its_exe: bool = True
    sizes: dict[str, int] = field(default_factory=lambda: {"VmSize": 2000, "VmRSS": 500})

    @property
    def argv(self) -> list[str]:
        """The arguments as words."""
        return self.line.decode().removesuffix("\0").split("\0") if self.line else []

    def has_its_exe(self) -> bool:
        """Return whether the path of its executable is that file's here, too."""
        return self.its_exe

    def joined(self) -> bytes:
        """Return the arguments joined by blanks."""
        return self.line.replace(b"\0", b" ").rstrip()

    def kib(self, name: str) -> int:
        """Return a size in KiB."""
        return self.sizes.get(name, 0)


def wanted(**filters: object) -> Wanted:
    """Return what is wanted, by these filters."""
    made = Wanted()
    for name, value in filters.items():
        setattr(made, name, value)
    made.needle = (made.name or "").encode()
    return made


HITS = [
    {},
    {"name": "agent"},
    {"args": b"--port 8080"},
    {"args": b"agent --port"},
    {"exe": ("/opt/agent",)},
    {"uid": 1000, "parent": 1, "states": "RS"},
    {"vsz": 2000, "rss": 500},
    {"kernel": False},
]
MISSES = [
    {"name": "agen"},
    {"name": "8080"},
    {"name": "agent "},
    {"args": b"8080 "},
    {"args": b"port=8080"},
    {"exe": ("/opt/agent2", "/bin/agent")},
    {"uid": 0},
    {"parent": 2},
    {"states": "TZ"},
    {"vsz": 2001},
    {"rss": 501},
    {"name": "agent", "uid": 0},
]


@pytest.mark.parametrize("filters", HITS)
def test_what_matches(filters: dict[str, object]) -> None:
    """A whole name, a part of the arguments, an exact path, a lower bound."""
    assert match(wanted(**filters), Process()) == YES


@pytest.mark.parametrize("filters", MISSES)
def test_what_does_not(filters: dict[str, object]) -> None:
    """A part of a name is no name; one filter that fails is enough."""
    assert match(wanted(**filters), Process()) == NO


def test_the_kernels_name_alone_is_no_name() -> None:
    """Anybody may set those 15 bytes (hostile case 6)."""
    assert match(wanted(name="sshd"), Process(stat=Stat(comm=b"sshd"))) == NO


def test_a_name_that_may_be_hidden_is_a_maybe() -> None:
    """Where the executable cannot be read, the kernel's 15 bytes are a hint, not a proof."""
    hidden = Process(line=b"worker\0", exe=None, stat=Stat(comm=b"averyveryverylo"))
    assert match(wanted(name="averyveryverylongname"), hidden) == MAYBE
    assert match(wanted(name="other"), hidden) == NO


@pytest.mark.parametrize(
    ("line", "comm", "expected"),
    [
        (b"/opt/agent\0", b"agent", MAYBE),  # it says that it is the one
        (b"sleep\0", b"sleep", NO),  # it says that it is another, and consistently
        (b"sleep\0", b"agent", MAYBE),
        (b"agent\0", b"sleep", MAYBE),
        (b"/sbin/init\0", b"systemd", MAYBE),  # one of both was rewritten: anything may be behind
        (b"", b"(agent)", MAYBE),
    ],
)
def test_an_executable_that_cannot_be_read(line: bytes, comm: bytes, expected: int) -> None:
    """It is a maybe unless the process tells twice that it is another (hostile case 18)."""
    assert match(wanted(exe=("/opt/agent",)), Process(line, None, Stat(comm=comm))) == expected


def test_kernel_threads_and_zombies_have_only_the_kernels_name() -> None:
    """A kernel thread is called as the kernel says; a zombie by the 15 bytes that are left."""
    thread = Process(b"", None, Stat(comm=b"nfsd", kernel=True))
    assert match(wanted(name="nfsd"), thread) == YES
    assert match(wanted(name="nfsd", kernel=False), thread) == NO
    assert match(wanted(exe=("/usr/sbin/nfsd",)), thread) == NO
    zombie = Process(b"", None, Stat(comm=b"averyveryverylo", state="Z"))
    assert match(wanted(name="averyveryverylongname"), zombie) == YES
    assert match(wanted(exe=("/opt/averyveryverylo",)), zombie) == NO


def test_the_words_of_what_is_wanted() -> None:
    """They stand in the sentence, escaped."""
    asked = wanted(name="a\nb", user="root", args=b"x|y", exe=("/bin/x", "/usr/bin/x"))
    assert str(asked) == "a\\nb running /bin/x with arguments x/y of user root"
    assert not wanted().filters()
    assert wanted(parent=0).filters()
