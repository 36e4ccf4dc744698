"""Words: an interpreter's arguments are read as the interpreter reads them."""

from __future__ import annotations

import pytest

from watchdog_tools.system.interpreters import script
from watchdog_tools.system.process_names import unversioned

CASES = [
    ("sh /opt/myagent.sh -v", "/opt/myagent.sh"),
    ("/bin/bash -eu -o pipefail run.sh", "run.sh"),
    ("bash -euo pipefail run.sh", "run.sh"),
    ("bash +x --rcfile /dev/null run.sh", "run.sh"),
    ("bash -c agentxyz", ""),
    ("sh -ec agentxyz", ""),
    ("-bash", ""),
    ("bash -", ""),
    ("python3.11 -u -W ignore -X dev agent.py", "agent.py"),
    ("python3 -Wignore -IBu agent.py --port 80", "agent.py"),
    ("python3 -m http.server 80", "http.server"),
    ("python3 -Im agent", "agent"),
    ("python3 -magent", "agent"),
    ("python3 -c pass agent.py", ""),
    ("python3 -", ""),
    ("pypy3 -- agent.py", "agent.py"),
    ("perl -w -I lib -T agent.pl", "agent.pl"),
    ("perl -ne print agent.pl", ""),
    ("perl -Mfeature=say agent.pl", "agent.pl"),
    ("perl -wMutf8::all -mData::Dumper -CSDE agent.pl", "agent.pl"),
    ("perl -d:Trace -i.bake -x/tmp/here -Fe agent.pl", "agent.pl"),
    ("perl -lne print agent.pl", ""),
    ("perl -0777 -ne print agent.pl", ""),
    ("perl -Mutf8 -e print agent.pl", ""),
    ("ruby -r json agent.rb", "agent.rb"),
    ("ruby -W:no-deprecated -Ke -rset -ie agent.rb", "agent.rb"),
    ("ruby --enable frozen-string-literal -W2 agent.rb", "agent.rb"),
    ("ruby -ne print agent.rb", ""),
    ("node --max-old-space-size=512 -r dotenv /srv/app.js", "/srv/app.js"),
    ("node --env-file .env --title web --watch-path src app.js", "app.js"),
    ("node --inspect --env-file=.env app.js", "app.js"),
    ("node -e 1 app.js", ""),
    ("php -d memory_limit=1G -f job.php", "job.php"),
    ("java -Xmx1g -cp a.jar:b.jar org.example.Main", "org.example.Main"),
    ("java --add-opens java.base/java.lang=ALL-UNNAMED --add-exports a/b=c Main.java", "Main.java"),
    ("java --patch-module a=b --limit-modules c --add-opens=java.base/x=y -jar app.jar", "app.jar"),
    ("java -Dx=y -jar /opt/app.jar --server", "/opt/app.jar"),
    ("lua5.4 -l json agent.lua", "agent.lua"),
    ("dotnet /srv/Agent.dll", "/srv/Agent.dll"),
    ("busybox httpd -f", ""),
    ("vim agentxyz.conf", ""),
    ("grep agentxyz", ""),
    ("tail -f agentxyz.log", ""),
    ("python3", ""),
    ("python3 -W", ""),
    ("python3 -m", ""),
]


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_what_an_interpreter_runs(line: str, expected: str) -> None:
    """The script, module or jar; nothing for code on the command line, nor for other programs."""
    program, *words = line.split()
    assert script(unversioned(program), words) == expected
