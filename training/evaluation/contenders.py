"""Who takes part: the words of ``--renderers`` as renderers behind the benchmark's protocol.

    optical,draft,plate,gegl,blender,any-to-bokeh:weights=DIR,name=Tiny,without=wois

A part after a comma that is only ``key=value`` belongs to the renderer before it. ``any-to-bokeh`` takes every option
of the shot document (``engine.shot.AnyToBokehOptions``), and ``without``: which parts of the method it does without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from pydantic import ValidationError

from engine.errors import ShotError, require
from engine.frames import PlateFrame
from engine.shot import AnyToBokehOptions
from training.benchmark.contenders import contenders
from training.peers import Availability, Peer, Rendering

__all__ = ["LEARNED", "PARTS", "ContenderSpec", "Part", "parse_contenders"]

Part = Literal["mpi", "prior", "wois", "refinement"]
"""A part of the learned method whose worth an ablation shows."""

PARTS: Final[Mapping[Part, str]] = {
    "mpi": "the depth planes of the multi-plane image in attention",
    "prior": "the start of training from Stable Video Diffusion",
    "wois": "windows that overlap and are blended",
    "refinement": "the temporal stage of training",
}

LEARNED: Final = "any-to-bokeh"
_KINDS: Final = {"optical": "final", "draft": "draft", "gegl": "gegl", "blender": "blender"}
"""Kinds without options, and what the benchmark calls them."""

PLATE: Final = "plate"
_ALL: Final = (*_KINDS, PLATE, LEARNED)


class PlainPlate:
    """The plate as it is, without any blur: what every renderer should be nearer to the truth than."""

    name = "Plate, no blur"

    def version(self) -> str:
        """There is nothing that could have one."""
        return ""

    def available(self) -> Availability:
        """Always."""
        return Availability(True)

    def render(self, frames: Sequence[PlateFrame]) -> Rendering:
        """The plates."""
        return Rendering(tuple(frame.image for frame in frames), (0.0,) * len(frames))


@dataclass(frozen=True)
class ContenderSpec:
    """A renderer to be compared, before it is opened.

    Attributes:
        kind: ``optical``, ``draft``, ``gegl``, ``blender``, ``plate`` or ``any-to-bokeh``.
        name: as tables have it; no two of an evaluation are alike.
        without: parts that a learned renderer does without. ``mpi`` turns the masks off and ``wois`` renders each
            window alone; ``prior`` and ``refinement`` only say how the weights were trained.
        options: of a learned renderer; None for the others.
    """

    kind: str
    name: str
    without: tuple[Part, ...] = ()
    options: AnyToBokehOptions | None = None

    @property
    def folder(self) -> str:
        """The name as a folder's: lower-case letters, digits and hyphens."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    def open(self) -> Peer:
        """The renderer; nothing is loaded or started yet."""
        if self.kind in _KINDS:
            return contenders((_KINDS[self.kind],))[0]
        if self.options is None:
            return PlainPlate()
        from training.evaluation.learned import LearnedContender

        return LearnedContender(self.name, self.options, apart="wois" in self.without)


def parse_contenders(words: str) -> tuple[ContenderSpec, ...]:
    """The renderers that a line names, in its order.

    Raises:
        ShotError: a renderer or an option that there is not, a value that it cannot have, or a name that comes twice.
    """
    found = tuple(_parse(kind, settings) for kind, settings in _split(words))
    require(bool(found), ShotError, f"--renderers names none; give some of {', '.join(_ALL)}")
    for spec in found:
        require(bool(spec.folder), ShotError, f'--renderers: the name "{spec.name}" needs a letter or a digit')
        twins = [other for other in found if other.folder == spec.folder]
        require(
            len(twins) == 1,
            ShotError,
            f'--renderers: {len(twins)} of them are called "{spec.name}"; tell them apart with name=...',
        )
    return found


def _split(words: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each renderer's kind and settings."""
    lines: list[list[str]] = []
    for piece in (part.strip() for part in words.split(",")):
        setting = "=" in piece and ":" not in piece.split("=")[0]
        if setting and lines:
            lines[-1].append(piece)
        elif piece:
            kind, _, rest = piece.partition(":")
            lines.append([kind, rest] if rest else [kind])
    for kind, *settings in lines:
        pairs = [setting.partition("=") for setting in settings]
        for key, equals, value in pairs:
            require(
                bool(key and equals and value),
                ShotError,
                f'--renderers: {kind} cannot read "{key}{equals}{value}"; write options as key=value',
            )
        yield kind, {key.strip().replace("-", "_"): value.strip() for key, _, value in pairs}


def _parse(kind: str, settings: dict[str, str]) -> ContenderSpec:
    require(
        kind in _ALL,
        ShotError,
        f'--renderers: there is no renderer "{kind}"; choose from {", ".join(_ALL)}',
    )
    name = settings.pop("name", None)
    if kind == LEARNED:
        return _parse_learned(name, settings)
    require(not settings, ShotError, f"--renderers: {kind} has no option {', '.join(settings)}; it takes only name=...")
    return ContenderSpec(kind, name or ContenderSpec(kind, "").open().name)


def _parse_learned(name: str | None, settings: dict[str, str]) -> ContenderSpec:
    without = tuple(part for part in settings.pop("without", "").split("+") if part)
    unknown = [part for part in without if part not in get_args(Part)]
    require(
        not unknown,
        ShotError,
        f"--renderers: {LEARNED} knows nothing to be without {', '.join(unknown)}; choose from {', '.join(PARTS)}",
    )
    if "mpi" in without:
        require(
            settings.get("mpi_masks", "off") == "off",
            ShotError,
            "--renderers: without=mpi turns the masks off, so mpi_masks cannot be on; give one of them",
        )
        settings["mpi_masks"] = "off"
    require("weights" in settings, ShotError, f"--renderers: {LEARNED} needs weights; write {LEARNED}:weights=DIR")
    try:
        options = AnyToBokehOptions.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        raise ShotError(
            f"--renderers: {LEARNED}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}; "
            "see the options of any-to-bokeh in docs/any_to_bokeh.md"
        ) from error
    plain = "Any-to-Bokeh" + "".join(f", no {part}" for part in without)
    return ContenderSpec(LEARNED, name or plain, cast("tuple[Part, ...]", without), options)
