"""What mkdocs is told beside mkdocs.yml: pages link into the repository, and a site has none.

`../deploy/sonde.yaml` leads somewhere in a checkout. On the site the file is put beside the pages,
and the link is made to lead there. What is neither a page nor put beside them fails the build.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[1]
BESIDE: Final = (
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "deploy/*", "deploy/helm/sonde/values.yaml"),
    "deploy/kubernetes/overlays/*/kustomization.yaml",
    *("deploy/compose/compose.yaml", "deploy/systemd/sonde.service"),
    *("deploy/grafana/dashboards/*", "deploy/grafana/provisioning/*/*"),
)
"""What of the repository the site has a copy of."""

_LINK: Final = re.compile(r"\]\((?P<up>(?:\.\./)+)(?P<rest>[^)#\s]+)")
_HOME: Final = re.compile(r"\]\((?:\./)?docs/")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Put files of the repository beside the pages."""
    for pattern in BESIDE:
        for path in sorted(filter(Path.is_file, ROOT.glob(pattern))):
            name = path.relative_to(ROOT).as_posix()
            content = path.read_text(encoding="utf-8")
            files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, *, page: Page, files: Files, **_more: object) -> str:
    """Make links that leave the folder of pages lead to the copies."""
    name = page.file.src_uri
    if name in BESIDE:  # it stood a folder higher than the pages it links to
        return _HOME.sub("](", markdown)
    depth = len(PurePosixPath(name).parents) - 1

    def inside(match: re.Match[str]) -> str:
        ups = match["up"].count("../")
        rest = match["rest"]
        if ups == depth + 1 and files.get_file_from_path(rest) is not None:
            return f"]({'../' * depth}{rest}"
        return match[0]

    return _LINK.sub(inside, markdown)
