"""What the wheel holds beside package and scripts: man pages and completion, from the tables of the commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# In an interpreter of its own, so that the tables are those of this tree. They need the standard library alone.
_WRITE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from watchdog_tools.cli.share import files
for name, text in files().items():
    path = Path(sys.argv[2], name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "ascii")
"""


class CustomBuildHook(BuildHookInterface):
    """Writes share/ before a wheel is packed, and removes it behind that: the tree stays as it was."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write it, and have it packed; hatchling calls this."""
        del version
        self.written = TemporaryDirectory(prefix="watchdog-tools-")
        share = Path(self.written.name, "share")
        subprocess.run([sys.executable, "-I", "-S", "-B", "-c", _WRITE, self.root, share], check=True)  # noqa: S603 -- ourselves
        build_data["shared_data"][str(share)] = "share"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove it; hatchling calls this."""
        del version, build_data, artifact_path
        self.written.cleanup()
