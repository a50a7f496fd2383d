"""Programs out of Debian's packages, unpacked into folders: this machine stays as it is."""

import re
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
HERE = Path("/var/lib/dpkg/status")
"""What is installed on this machine, as apt reads it."""
UNREAD = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info")
MERGED = ("bin", "sbin", "lib", "lib64")
"""Folders of the root that are links into /usr on every Debian of today."""


class Suite:
    """A suite of Debian's archive, read by an apt with lists of its own."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "nothing").touch()
        (folder / "this.sources").write_text(
            f"Types: deb\nURIs: {mirror()}\nSuites: {name}\nComponents: main\nSigned-By: {KEYS}\n"
        )

    def update(self) -> None:
        """Fetch the lists of what there is."""
        self._apt("update")

    def unpack(self, packages: Sequence[str], root: Path, beside: Path | None = None) -> None:
        """Unpack packages and all that they depend on into ``root``, without running anything.

        ``beside``: leave out what this status file says is installed, but for ``packages``.
        """
        archives = self.folder / root.name
        (archives / "archives" / "partial").mkdir(parents=True)
        status = f"Dir::State::status={beside or self.folder / 'nothing'}"
        plan = ("install", "--download-only", "--yes", "--no-install-recommends", "--reinstall")
        self._apt("-o", status, "-o", f"Dir::Cache={archives}", *plan, *packages)
        for name in MERGED:
            (root / "usr" / name).mkdir(parents=True, exist_ok=True)
            if not (root / name).exists():
                (root / name).symlink_to(f"usr/{name}")
        unpack(sorted(archives.rglob("*.deb")), root)

    def _apt(self, *words: str) -> None:
        settings = {
            "Dir::Etc::SourceList": self.folder / "this.sources",
            "Dir::Etc::SourceParts": "/nonexistent",
            "Dir::State::Lists": self.folder / "lists",
            "Acquire::Languages": "none",
            "APT::Sandbox::User": "root",
        }
        options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
        run("apt-get", "--quiet", *options, *words)


def unpack(packages: Iterable[Path], root: Path) -> None:
    """Unpack package files into a folder, two at a time."""
    excluded = [f"--exclude=./{folder}/*" for folder in UNREAD]

    def one(package: Path) -> None:
        archive = ["dpkg-deb", "--fsys-tarfile", str(package)]
        with subprocess.Popen(archive, stdout=subprocess.PIPE) as reader:
            tar = ["tar", "--extract", "--keep-directory-symlink", *excluded, f"--directory={root}"]
            subprocess.run(tar, stdin=reader.stdout, check=True)
        assert reader.returncode == 0, package

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, packages))


def suites(folder: Path, *names: str) -> dict[str, Suite]:
    """Return suites by name, their lists fetched at once."""
    found = {name: Suite(name, folder / name) for name in names}
    with ThreadPoolExecutor() as pool:
        list(pool.map(Suite.update, found.values()))
    return found


def mirror() -> str:
    """Return the address of Debian's archive that this machine's own apt uses."""
    text = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
    found = re.search(r"^\S+/debian/?$", text, re.MULTILINE)
    assert found, f"apt knows no archive of Debian:\n{text}"
    return found[0]


def run(*command: str) -> str:
    """Run a program to its end and return what it printed; what it complained of if it failed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout
