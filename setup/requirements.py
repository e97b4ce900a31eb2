"""Print the requirement lines of pyproject.toml: the core, and the extras named on the command line.

pip before 25.1 cannot read them from a project that is never installed.
"""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]
if unknown := [name for name in sys.argv[1:] if name not in extras]:
    print(f"no extra named {', '.join(unknown)}: pyproject.toml has {', '.join(extras)}", file=sys.stderr)
    sys.exit(2)
print(*project["dependencies"], *(line for name in sys.argv[1:] for line in extras[name]), sep="\n")
