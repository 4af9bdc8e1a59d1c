"""One image for all tests, built once."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.containers import BUILD_S, Containers, copy_context, storage

TAG = "localhost/sonde:test"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first waits for the build."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.timeout(2 * BUILD_S))


@pytest.fixture(scope="session")
def containers() -> Iterator[Containers]:
    """A storage of our own, gone afterwards: nobody's images are touched.

    Not where pytest keeps folders: podman wants a path of 50 characters at most for its state.
    """
    assert os.geteuid() == 0, "building and running an image here takes root"
    home = Path(tempfile.mkdtemp(prefix="sonde-", dir="/var/tmp"))
    try:
        made = storage(home)
        yield made
        made.clear()
    finally:
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image is built from."""
    return copy_context(tmp_path_factory.mktemp("context"))


@pytest.fixture(scope="session")
def image(containers: Containers, context: Path) -> str:
    """The image's tag."""
    containers.build(context, TAG)
    return TAG


@pytest.fixture(scope="session")
def files(containers: Containers, image: str) -> Path:
    """The image's files."""
    return containers.mounted(image)
