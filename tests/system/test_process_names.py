"""Words: what a process is called, and who never counts."""

from __future__ import annotations

import pytest

from watchdog_tools.system.process_names import (
    all_names,
    argv0_names,
    is_named,
    mentions_own_command,
    own_command,
    unversioned,
)

NAMES = [
    ("/usr/sbin/nginx", {"nginx"}),
    ("nginx: master process /usr/sbin/nginx -g daemon off;", {"nginx"}),
    ("sshd: root@pts/0", {"sshd"}),
    ("postgres: 15/main: checkpointer ", {"postgres"}),
    ("-bash", {"bash"}),
    ("/usr/sbin/amavisd-new (master)", {"amavisd-new (master)", "amavisd-new"}),
    ("/opt/My App/bin/agent", {"My"}),
    ("backup of /etc/nginx", {"backup"}),
    ("/usr/sbin/rsync: copies /var/lib/mysql", {"rsync"}),
    ("", {""}),
    # As the real programs write them (case 192)
    ("[celeryd: celery@host:MainProcess] -active- (-A app worker)", {"celeryd"}),
    ("[celeryd: celery@host:ForkPoolWorker-1]", {"celeryd"}),
    ("[celery beat] -A app beat -s /var/lib/beat.db", {"celery"}),
    ("[celery events:dump]", {"[celery events:dump]", "celery"}),
    ("gunicorn: master [app:app]", {"gunicorn"}),
    ("gunicorn: worker [app:app]", {"gunicorn"}),
    ("php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)", {"php-fpm"}),
    ("puma 5.6.4 (tcp://0.0.0.0:9292) [app]", {"puma"}),
    ("puma: cluster worker 0: 4711 [app]", {"puma"}),
    ("sidekiq 6.5.1 app [0 of 5 busy]", {"sidekiq 6.5.1 app [0 of 5 busy]", "sidekiq"}),
    ("unicorn master -c /etc/unicorn.rb", {"unicorn"}),
    ("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", {"sshd"}),
    ("(sd-pam)", {"(sd-pam)", "sd-pam"}),
    ("(squid-1)", {"(squid-1)", "squid-1"}),
    ("redis-server 127.0.0.1:6379", {"redis-server 127.0.0.1:6379", "redis-server"}),
    ("[]", {"[]"}),
]


@pytest.mark.parametrize(("first", "expected"), NAMES)
def test_the_names_that_argv0_gives(first: str, expected: set[str]) -> None:
    """A daemon that writes a title over its arguments keeps its name."""
    assert set(argv0_names(first)) == expected


def test_a_path_with_a_blank_is_told_from_a_title() -> None:
    """By the executable, which lies below the same directory; `exec -a "$0"` in a wrapper, say."""
    assert set(argv0_names("/opt/My App/bin/agent", "/opt/My App/lib/agent-bin")) == {"agent", "My"}
    assert is_named("agent", ["/opt/My App/bin/agent"], "/opt/My App/bin/agent")
    assert not is_named("agent", ["/opt/My title of /bin/agent"], "/opt/My")


BUSYBOX = [
    (["tail", "-f", "agent"], {"tail"}),
    (["sh", "-c", "check-process agent || /usr/sbin/agent"], {"sh"}),
    (["sh", "/opt/agent.sh"], {"sh", "agent.sh"}),
    (["/bin/busybox", "tail", "-f", "agent"], {"tail"}),
    (["busybox", "sh", "/opt/agent.sh"], {"sh", "agent.sh"}),
    (["busybox"], set()),
]


@pytest.mark.parametrize(("argv", "expected"), BUSYBOX)
def test_a_multi_call_program_is_its_applet(argv: list[str], expected: set[str]) -> None:
    """What stands behind `tail` is tail's argument, whatever its executable is called."""
    assert all_names(argv, "/bin/busybox") == expected | {"busybox"}
    assert all(is_named(name, argv, "/bin/busybox") for name in expected | {"busybox"})
    assert not is_named("agent", argv, "/bin/busybox")


@pytest.mark.parametrize(
    ("program", "expected"), [("/usr/bin/python3.11", "python"), ("-bash", "bash"), ("php-fpm8.2", "php-fpm"), ("", "")]
)
def test_versions_are_one_family(program: str, expected: str) -> None:
    """`python3.11` reads its options as `python` does."""
    assert unversioned(program) == expected


def test_all_names_of_a_process() -> None:
    """By executable, by argv[0], and by script, also where argv[0] is made up."""
    argv = ["agent", "/srv/agent.py"]
    assert all(is_named(name, argv, "/usr/bin/python3.11") for name in ("agent", "agent.py", "python3.11"))
    assert not is_named("agent.py", argv)
    assert not is_named("python3", argv, "/usr/bin/python3.11")
    assert is_named("sleep", [], "/bin/sleep")
    assert all_names(["python3", "/srv/agent.py"]) == {"python3", "agent.py"}
    assert all_names([]) == set()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/venv/bin/python /venv/bin/check-process -a x", "check-process"),
        ("python3 -I /usr/local/bin/ensure-running web -- x", "ensure-running"),
        ("python3 agent.py check-process", ""),
        ("vim check-process", ""),
        ("", ""),
    ],
)
def test_our_own_commands_are_known(line: str, expected: str) -> None:
    """Python that runs one of our console scripts is that command; a word alone is not."""
    assert own_command(line.split()) == expected


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["sh", "-c", "/venv/bin/check-process -a x; true"], True),
        (["/usr/bin/timeout", "5", "check-port", ":80"], True),
        (["flock", "-n", "/run/l", "ensure-running", "web"], True),
        (["sudo", "/opt/bin/check-http", "http://h/"], True),
        (["/usr/sbin/CRON", "-f", "check-process"], True),
        (["bash", "-c", "n=$(check-process x)&&echo $n"], True),
        (["hyperfine", "check-process x"], True),
        (["check_by_ssh", "-H", "h", "-C", "check-process -a agentxyz"], True),
        (["kubectl", "exec", "pod", "--", "check-process", "-a", "agentxyz"], True),
        (["python3", "/usr/bin/ansible", "all", "-a", "check-process -a agentxyz"], True),
        (["python3", "-m", "pipx", "run", "check-process"], True),
        (["perl", "-e", "system 'check-process -a agentxyz'"], True),
        (["python3.11", "-c", "import os; os.system('check-process -a x')"], True),
        (["busybox", "sh", "-c", "check-process -a x"], True),
        (["python3", "supervisor.py", "--health", "check-process -a x"], False),
        (["grep", "check-process"], False),
        (["sh", "-c", "agentxyz --check-process"], False),
        (["sh", "/opt/my-check-process.sh"], False),
        ([], False),
    ],
)
def test_who_merely_carries_our_words(argv: list[str], expected: bool) -> None:
    """A shell, cron, timeout … with one of our command lines matches its words, and is not it."""
    assert mentions_own_command(argv) is expected
