"""Watchdog Tools: the outer keep-alive layer of a host. This package's tree is its data flow.

words      result, ranges, units, text, names, policy …: pure, no clock, no I/O
system/    thin readers of the machine: /proc, clocks, sockets, forks that look
probes/    LOOK: process, port, http, command. Facts in, facts out; they change nothing
actions/   TOUCH: state directory, lock, record, spawn. The only code that changes the machine
outputs/   a Result becomes a line: text, json, zabbix
cli/       option tables, the fast parser, click, the guard (deadline, the only print, the only exit)
commands/  one file = one console script = one section of the README
"""

__version__ = "0.1.0"
