"""The same commit gives the same files, to the byte of what a registry keeps."""

import hashlib
import os
import shutil
from pathlib import Path

from tests.image.containers import Containers

AGAIN = "localhost/sonde:again"


def tree(files: Path) -> dict[str, tuple[object, ...]]:
    """Return what every entry is: its kind, rights, owner and content."""
    found: dict[str, tuple[object, ...]] = {}
    for path in files.rglob("*"):
        about = path.lstat()
        content = b""
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        elif path.is_file():
            content = hashlib.sha256(path.read_bytes()).digest()
        known = (about.st_mode, about.st_uid, about.st_gid, about.st_mtime, content)
        found[str(path.relative_to(files))] = known
    return found


def test_two_builds_make_one_image(
    containers: Containers, context: Path, image: str, files: Path, tmp_path: Path
) -> None:
    """Built anew from another folder with other times, it has the same files and the same layers.

    Not the same id: the format that knows health checks names the container that was built in.
    """
    elsewhere = shutil.copytree(context, tmp_path / "else" / "where", copy_function=shutil.copyfile)
    (elsewhere / "deploy" / "image" / "build").chmod(0o755)
    containers.build(elsewhere, AGAIN)
    ours, theirs = tree(files), tree(containers.mounted(AGAIN))
    assert [path for path in ours | theirs if ours.get(path) != theirs.get(path)] == []
    assert len(ours) > 5_000
    asked = ("image", "inspect", "--format", "{{.RootFS.Layers}}")
    assert containers.podman(*asked, AGAIN) == containers.podman(*asked, image)
