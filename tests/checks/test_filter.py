"""Words: each filter says no, maybe or yes, and all must match."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from watchdog_tools.checks.process.filter import MAYBE, NO, YES, ProcessQuery, counts, match


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


def wanted(**filters: object) -> ProcessQuery:
    """Return what is wanted, by these filters."""
    made = ProcessQuery()
    for name, value in filters.items():
        setattr(made, name, value)
    made.name_bytes = (made.name or "").encode()
    return made


HITS = [
    {},
    {"name": "agent"},
    {"args": b"--port 8080"},
    {"args": b"agent --port"},
    {"exe": ("/opt/agent",)},
    {"uid": 1000, "parent": 1, "states": "RS"},
    {"vsz": 2000, "rss": 500},
    {"kernel_threads": False},
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
    assert match(wanted(name="nfsd", kernel_threads=False), thread) == NO
    assert match(wanted(exe=("/usr/sbin/nfsd",)), thread) == NO
    zombie = Process(b"", None, Stat(comm=b"averyveryverylo", state="Z"))
    assert match(wanted(name="averyveryverylongname"), zombie) == YES
    assert match(wanted(exe=("/opt/averyveryverylo",)), zombie) == NO


def test_the_words_of_what_is_wanted() -> None:
    """They stand in the sentence, escaped."""
    asked = wanted(name="a\nb", user="root", args=b"x|y", exe=("/bin/x", "/usr/bin/x"))
    assert str(asked) == "a\\nb running /bin/x with arguments x/y of user root"
    assert not wanted().has_filters()
    assert wanted(parent=0).has_filters()


@pytest.mark.parametrize(
    ("filters", "by_name", "by_arguments", "specific", "some"),
    [
        ({}, False, False, False, False),
        ({"name": "a"}, True, False, True, True),
        ({"exe": ("/a",)}, True, False, True, True),
        ({"args": b"a"}, False, True, True, True),
        ({"pattern": "a"}, False, True, True, True),
        ({"pidfile": "/a"}, False, False, True, True),
        *[({key: value}, False, False, False, True) for key, value in
          {"user": "a", "parent": 0, "states": "S", "vsz": 0, "rss": 0}.items()],
    ],
)  # fmt: skip
def test_what_was_asked_for(
    filters: dict[str, object], by_name: bool, by_arguments: bool, specific: bool, some: bool
) -> None:
    """A certain program, or any process of a kind, or all."""
    query = wanted(**filters)
    assert (query.by_name(), query.by_arguments()) == (by_name, by_arguments)
    assert (query.is_specific(), query.has_filters()) == (specific, some)
    assert query.kernel_threads


def test_all_words_of_what_is_wanted() -> None:
    """In their order, each of at most 80 characters."""
    query = wanted(
        name="n" * 90, exe=("/e",), args=b"a", pattern="p", user="u", parent=1, states="S", vsz=2, rss=3,
        pidfile="f" * 90,
    )  # fmt: skip
    assert str(query) == (
        f"{'n' * 77}... running /e with arguments a with arguments like p of user u with parent 1 in state S "
        f"with VSZ from 2 with RSS from 3 of pidfile {'f' * 77}..."
    )
    assert str(wanted()) == ""


SHELL = Process(b"/bin/sh\0/etc/init.d/agent\0status\0", "/bin/dash", pid=7)
MENTIONS = Process(b"/usr/bin/flock\0/x\0check-process\0-a\0agent\0", "/usr/bin/flock", pid=7)
OURS = Process(b"/usr/bin/python3\0/opt/bin/check-process\0agent\0", "/usr/bin/python3", pid=7)


@pytest.mark.parametrize(
    ("filters", "process", "own", "above", "count"),
    [
        ({"name": "agent"}, Process(), set(), set(), True),
        ({"name": "agent"}, Process(), {7}, set(), False),
        ({}, Process(), {7}, {7}, False),
        ({}, OURS, set(), {7}, True),  # all are asked for
        ({"name": "agent"}, Process(), set(), {7}, True),
        ({"args": b"agent"}, Process(), set(), {7}, False),
        ({"pattern": "agent"}, Process(), set(), {7}, False),
        ({"args": b"agent"}, Process(), set(), {8}, True),
        ({"name": "agent"}, SHELL, set(), {7}, False),
        ({"name": "agent"}, SHELL, set(), set(), True),
        ({"name": "agent", "pidfile": "/run/x"}, SHELL, set(), {7}, True),
        ({"user": "root"}, SHELL, set(), {7}, True),
        ({"args": b"agent"}, MENTIONS, set(), set(), False),
        ({"user": "root"}, OURS, set(), set(), False),
        ({"name": "check-process"}, OURS, set(), set(), True),
        ({"name": "agent"}, OURS, set(), set(), False),
    ],
)
def test_who_counts(filters: dict[str, object], process: Process, own: set[int], above: set[int], count: bool) -> None:
    """Never ourselves; an ancestor by its name, not by its arguments; one of our commands only by its own name."""
    assert counts(wanted(**filters), process, own, above) is count  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        (Process(its_exe=True), YES),
        (Process(its_exe=False), NO),
        (Process(b"", None, Stat(state="Z")), NO),
        (Process(b"", None, Stat(kernel=True)), NO),
        (Process(b"", None, Stat()), MAYBE),
    ],
)
def test_an_executable_is_that_file(process: Process, expected: int) -> None:
    """The path alone may be another file's in another root."""
    assert match(wanted(exe=("/x", "/opt/agent")), process) == expected


def test_the_certainty_of_all_filters_is_that_of_the_least() -> None:
    """A maybe stays one beside a yes, and no is no."""
    hidden = Process(b"worker\0", None, Stat(comm=b"agent"))
    assert match(wanted(name="agent", exe=("/opt/agent",)), hidden) == MAYBE
    assert match(wanted(name="agent", uid=0), hidden) == NO
    assert match(wanted(name="agent", states="s"), hidden) == NO
    assert match(wanted(states="S", name="agent", parent=1), Process(stat=Stat(state="s"))) == YES
    assert match(wanted(name="agent", exe=("/else",)), Process()) == NO


@pytest.mark.parametrize("length", [14, 15, 16])
def test_the_kernel_keeps_fifteen_bytes(length: int) -> None:
    """Of a name that is longer it is the beginning that counts."""
    hidden = Process(b"worker\0", None, Stat(comm=b"a" * min(length, 15)))
    assert match(wanted(name="a" * length), hidden) == MAYBE
    assert match(wanted(exe=("/x/" + "a" * length,)), hidden) == MAYBE


def test_the_least_certain_of_several_is_the_smallest() -> None:
    """Filters combine with min(); NO alone is false."""
    assert NO < MAYBE < YES
    assert (bool(NO), bool(MAYBE)) == (False, True)
