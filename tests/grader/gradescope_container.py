"""A container as Gradescope has it: a root of its own with the real /autograder, the grader's Python, user root, and no
namespaces. Needs root, because it is made of mounts, which other processes do not see and which end with it.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.running import ROOT

LACKING = ROOT / "tests" / "grader" / "sandbox" / "lacking.py"
SYSTEM = ("bin", "lib", "lib32", "lib64", "sbin", "usr", "etc", "proc", "dev")
BASE = Path(sys.base_prefix)
MAKE = """\
set -eu
cd "$1"
for part in {system} {base}; do
    [ ! -d "/$part" ] || [ -L "/$part" ] || {{ mkdir -p "./$part"; mount --rbind "/$part" "./$part"; }}
    [ ! -L "/$part" ] || [ -L "./$part" ] || cp -P "/$part" "./$part"
done
mount --bind {packages} ./opt/packages
{disks}
code=0
env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root PYTHONDONTWRITEBYTECODE=1 {variables} \\
    chroot . {python} /opt/lacking.py namespaces -- /autograder/run_autograder || code=$?
cp autograder/results/results.json kept.json
exit $code
"""


@dataclass(frozen=True)
class Container:
    """One container, in a folder; the zip is unpacked, and set up as setup.sh does it, but without the network."""

    root: Path

    @classmethod
    def make(cls, root: Path, autograder: Path, submission: str) -> Container:
        """Make a container with an autograder's zip and a submission of one file."""
        place, python = root / "autograder", root / "opt" / "raft-grader"
        with zipfile.ZipFile(autograder) as archive:
            archive.extractall(place / "source")
        shutil.copy(place / "source" / "run_autograder", place / "run_autograder")
        (place / "run_autograder").chmod(0o755)
        (place / "submission").mkdir()
        (place / "submission" / "raft.py").write_text(submission)
        for folder in ("autograder/results", "opt/packages", "tmp", "root", "opt/raft-grader/bin"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "tmp").chmod(0o1777)
        shutil.copy(LACKING, root / "opt" / "lacking.py")
        installed = python / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"
        shutil.copytree(place / "source" / "labs", installed / "labs")
        (installed / "packages.pth").write_text("/opt/packages\n")
        (python / "pyvenv.cfg").write_text(f"home = {BASE / 'bin'}\ninclude-system-site-packages = false\n")
        (python / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
        root.chmod(0o755)
        (place / "source").chmod(0o700)
        return cls(root)

    def start(self, disks: dict[str, str] | None = None, **variables: str) -> subprocess.Popen[str]:
        """Run the autograder; `disks` are small ones by their folder, such as {"tmp": "1m"}."""
        mounts = [f"mount -t tmpfs -o mode=1777,size={size} tmpfs ./{at}" for at, size in (disks or {}).items()]
        script = MAKE.format(
            system=" ".join(SYSTEM),
            base=shlex.quote(str(BASE).lstrip("/")) if not str(BASE).startswith("/usr") else "",
            packages=shlex.quote(sysconfig.get_path("purelib")),
            disks="\n".join(mounts),
            variables=" ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items()),
            python=shlex.quote(os.path.realpath(sys.executable)),
        )
        words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "container", str(self.root)]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, disks: dict[str, str] | None = None, **variables: str) -> tuple[dict[str, Any], str]:
        """Run the autograder to its end; return its results, and what it printed."""
        return self.end(self.start(disks, **variables))

    def end(self, running: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
        """Wait for the end; return the results, and what was printed."""
        printed, _ = running.communicate(timeout=300)
        kept = self.root / "kept.json"
        assert kept.exists(), printed
        return json.loads(kept.read_text(encoding="utf-8")), printed

    @property
    def published(self) -> dict[str, Any]:
        """The results that are there now."""
        found: dict[str, Any] = json.loads((self.root / "autograder" / "results" / "results.json").read_text("utf-8"))
        return found

    def processes(self, word: str) -> list[int]:
        """Return the processes in the container whose command has this word."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(path / "root") == str(self.root) and word.encode() in (path / "cmdline").read_bytes():
                    found.append(int(path.name))
            except OSError:
                continue
        return sorted(found)


def why_not() -> str:
    """Return why there can be no container here; "" if there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a container is made of mounts, which needs root on Linux"
    if shutil.which("unshare") is None or shutil.which("chroot") is None:
        return "there is no unshare or chroot"
    tried = subprocess.run(["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
    return "this machine may not mount anything" if tried.returncode else ""
