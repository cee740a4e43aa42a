"""The pages of ``docs`` that are made from the settings of training: ``python -m training.reference`` writes them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from training.stages.configuration import StageSettings, Start, TrainingRun, run_schema

__all__ = ["pages", "write_pages"]


def pages() -> dict[str, str]:
    """Name and text of every page."""
    return {
        "training.schema.json": json.dumps(run_schema(), indent=2, ensure_ascii=False) + "\n",
        "training_run.md": _run_reference(),
    }


def write_pages(folder: Path) -> None:
    """Write the pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _run_reference() -> str:
    lines = [
        "# The file of a training run",
        "",
        "TOML, YAML or JSON; [training](training.md) has an example. This page is made from the field descriptions by",
        "`python -m training.reference`; `training.schema.json` beside it is the same as a JSON Schema.",
    ]
    for title, model in (("Run", TrainingRun), ("start", Start), ("stages.N", StageSettings)):
        lines += ["", f"## {title}", "", "| field | default | meaning |", "|---|---|---|"]
        for name, field in model.model_fields.items():
            if field.is_required():
                default = "required" if name == "data" else "the preset's"
            else:
                default = "none" if field.default is None else f"`{json.dumps(field.default)}`"
            lines.append(f"| `{name}` | {default} | {field.description} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    write_pages(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
