"""``rackfocus render``: a shot document, or flags that build one, to pictures."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from engine.errors import ShotError
from engine.shot import Shot, load_shot, shot_from_dict
from ui.cli.flags import SHOT_FLAGS, apply_flags
from ui.cli.focus_names import NamedFocus, focus_of_names
from ui.cli.keys import blur_keys, focus_keys

__all__ = ["build_shot", "render"]

NEEDED: Final = {"--plate": "plate", "--out": "out"}

_Document = Annotated[
    Path | None,
    typer.Argument(metavar="SHOT.json", help="Shot document; flags change what it says.", show_default=False),
]
_FocusKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--focus",
        metavar="FRAME=D|FRAME@X,Y",
        help="Key of the focal point: a disparity or a pixel. Repeat for each key.",
        rich_help_panel="Focus and lens",
    ),
]
_FocusDistances = Annotated[
    list[str] | None,
    typer.Option(
        "--focus-distance",
        metavar="FRAME=Z",
        help="Key of the focal point: a distance. Repeat for each key.",
        rich_help_panel="Focus and lens",
    ),
]
_BlurKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--blur",
        metavar="FRAME=K",
        help="Key of the blur strength K in pixels. Repeat for each key.",
        rich_help_panel="Focus and lens",
    ),
]
_Frames = Annotated[str | None, typer.Option("--frames", help="Frames to render, like 1001-1024; all when not given.")]
_Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Render frames that are there already, whoever made them.")
]
_SaveShot = Annotated[
    Path | None, typer.Option("--save-shot", help="Keep the shot as a document, with its depth limits.")
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]


def _render(
    document: _Document = None,
    frames: _Frames = None,
    overwrite: _Overwrite = False,
    save_shot: _SaveShot = None,
    json: _Json = False,
    focus: _FocusKeys = None,
    focus_distance: _FocusDistances = None,
    blur: _BlurKeys = None,
    **flags: object,
) -> None:
    """Render a shot, or some of its frames.

    Frames that are whole and were made by the same settings are skipped, so a stopped render goes on where it was.
    Depth limits that are not given are found over the whole shot first, and stored in the document.
    """
    from engine.render import Warned
    from engine.render import render as render_frames
    from ui.cli.keeping import Keeping
    from ui.cli.progress import progress
    from ui.cli.signals import stop_on_signals

    named = None if document or focus or focus_distance else focus_of_names(flags)
    shot = build_shot(document, focus or [], focus_distance or [], blur or [], flags, named)
    with stop_on_signals() as cancel, progress(json) as shown:
        if named is not None:
            shown(Warned("focus.names", named.sentence, 0))
        report = Keeping(shot, document, save_shot, shown)
        render_frames(shot, frames, report=report, overwrite=overwrite, cancel=cancel)


def build_shot(
    document: Path | None,
    focus: list[str],
    focus_distance: list[str],
    blur: list[str],
    flags: Mapping[str, object],
    named: NamedFocus | None = None,
) -> Shot:
    """The shot of a document, changed by flags, or of flags alone; ``named`` is its focus where no key is given.

    Raises:
        ShotError: the document or a flag is not valid, or a flag that is needed is missing.
    """
    data: dict[str, Any] = {} if document is None else load_shot(document).model_dump(exclude_unset=True)
    if document is None:
        missing = [option for option, name in NEEDED.items() if not flags.get(name)]
        missing += [] if focus or focus_distance or named else ["--focus or --focus-distance"]
        missing += [] if blur or flags.get("focal_length") else ["--blur or --focal-length"]
        if missing:
            raise ShotError(f"a render needs SHOT.json, or flags that build a shot; missing: {', '.join(missing)}")
    # A lens and K exclude each other: the one on the command line replaces the document's.
    if blur:
        data.pop("lens", None)
    if flags.get("focal_length") is not None:
        data.pop("blur", None)
    apply_flags(data, flags)
    if named is not None:
        data["focus"] = {"keys": named.keys}
        data["depth"] = {**data["depth"], **named.depth}
    if focus or focus_distance:
        data["focus"] = {**dict(data.get("focus") or {}), "keys": focus_keys(focus, focus_distance)}
    if blur:
        data["blur"] = {**dict(data.get("blur") or {}), "keys": blur_keys(blur)}
    return shot_from_dict(data, "flags" if document is None else str(document))


def _with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the flags of the shot document in its signature, where Typer looks for them.

    The keys come behind plate and depth, because the help shows its panels in the order of their first flags.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    flags = [
        inspect.Parameter(flag.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=flag.annotation)
        for flag in SHOT_FLAGS
    ]
    keys = [p for p in own if p.name in ("focus", "focus_distance", "blur")]
    inputs = sum(flag.panel in ("Plate", "Depth") for flag in SHOT_FLAGS)
    everything = [*(p for p in own if p not in keys), *flags[:inputs], *keys, *flags[inputs:]]
    command.__signature__ = signature.replace(parameters=everything)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in everything} | {"return": None}
    return command


render = _with_flags(_render)
render.__name__ = "render"
