"""The page about providers agrees with the presets."""

from pathlib import Path

from probes.providers import PRESETS, Preset, Style

PAGE = Path(__file__).parents[4] / "docs" / "providers.md"


def _row(preset: Preset) -> str:
    elsewhere = "`endpoint:`" if preset.style is Style.AZURE else "`base_url:`"
    sure = ", surely" if preset.key_prefix_is_certain else ""
    least = f", {preset.least_output_tokens}" if preset.least_output_tokens > 1 else ""
    page = preset.status_page
    cells = (
        f"`{preset.name}`",
        preset.base_url or elsewhere,
        f"`{preset.key_prefix}`{sure}" if preset.key_prefix else "",
        f"`{preset.token_parameter}`{least}",
        "yes" if preset.include_usage else "no",
        f"{page.kind}: {page.url}" if page else "",
    )
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


def test_the_table_of_presets_is_that_of_the_code() -> None:
    """Every preset has its row, as it is, in the code's own order."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    assert rows[: len(PRESETS)] == [_row(preset) for preset in PRESETS.values()]
