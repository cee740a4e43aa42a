"""What the scripts of the menus do: find the group that is meant, then show the panel, or render without one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import EngineError
from .clips import Clip, add_take, current_clip, files_of
from .comps import one_step, show_limits, show_result
from .controls import FOCUS_KINDS, Controls, find_group
from .kinds import Bmd, Comp, Fusion, told
from .panel import Panel, raised
from .running import engine_of, progress_text, render, sample
from .shots import Job, job_of
from .sources import Source

if TYPE_CHECKING:
    from fusionscript import Resolve

__all__ = ["Target", "main", "target_of"]

Scope = Mapping[str, Any]


class Target(NamedTuple):
    """A group, and what becomes of its result.

    Attributes:
        comp, controls: of the group.
        clip: finds what a MediaIn shows, where there is a timeline.
        finished: puts the result where it belongs and says where that is.
    """

    comp: Comp
    controls: Controls
    clip: Callable[[], Source] | None
    finished: Callable[[Job], str]

    def job(self, new_version: bool = False) -> Job:
        """What is to be rendered, as the controls are now."""
        return job_of(self.comp, self.controls, self.clip, new_version)

    def found_limits(self, _job: Job, near: float, far: float | None) -> None:
        """Keep the depth limits in the group."""
        show_limits(self.comp, self.controls, near, far, round(self.comp.CurrentTime))

    def focus_at_point(self, host: str) -> str:
        """Set the focus, with a key if it is animated, to what the point lies on; waits for the engine."""
        frame = round(self.comp.CurrentTime)
        kind = FOCUS_KINDS[round(self.controls.number("FocusBy", frame))]
        if kind == "pixel":
            return "The focus follows the point already; set Focus by to Disparity or Distance to read a number."
        found = sample(engine_of(self.controls, host), self.job(), frame, self.controls.point("PointIn1", frame))
        value = found.get(kind)
        if value is None:
            raise EngineError(
                "resolve.control", f"the depth holds no {kind}; set Focus by to Disparity, or Depth to Distance"
            )
        with one_step(self.comp, "Rackfocus focus"):
            self.controls.put("Focus", value, frame)
        return f"Focus at frame {frame}: {value:.4g}"


def main(scope: Scope, on: str) -> None:
    """Run a script of a menu.

    Args:
        scope: its globals, in which the host puts ``fusion``, ``bmd``, and where there is one ``comp`` or ``tool``.
        on: ``clip`` for the clip under the playhead, ``comp`` for the comp that is open, ``tool`` for a tool of it.
    """
    try:
        target = target_of(scope, on)
        fusion = _fusion(scope)
        host = f"Fusion {fusion.Version}"
        manager, bmd = getattr(fusion, "UIManager", None), scope.get("bmd")
        if manager is None or bmd is None:
            _print_render(target, host)
            return
        if raised(fusion):
            return
        Panel(
            fusion,
            bmd,
            f"Rackfocus: {target.controls.name}",
            engine_of(target.controls, host),
            prepare=target.job,
            focus_at_point=lambda: target.focus_at_point(host),
            found_limits=target.found_limits,
            finished=target.finished,
        ).run()
    except EngineError as error:
        print(f"Rackfocus: {error.message} ({error.code})")


def target_of(scope: Scope, on: str) -> Target:
    """The group that is meant.

    Args:
        scope, on: see ``main``.

    Raises:
        EngineError: there is none.
    """
    resolve = _resolve(scope)
    if on == "clip":
        return _of_clip(current_clip(told("scriptapp Resolve", resolve)))
    comp: Comp | None = scope.get("comp")
    if comp is None:
        comp = told("Fusion.GetCurrentComp", _fusion(scope).GetCurrentComp())
    controls = find_group(comp, scope.get("tool") if on == "tool" else None)

    def finished(job: Job) -> str:
        show_result(comp, controls, job)
        return f"{controls.name}_Result shows {job.output}"

    clip = None if resolve is None else lambda: _files(resolve, comp)
    return Target(comp, controls, clip, finished)


def _fusion(scope: Scope) -> Fusion:
    fusion: Fusion | None = scope.get("fusion", scope.get("fu"))
    return told("fusion", fusion)


def _resolve(scope: Scope) -> Resolve | None:
    """Resolve, where Fusion is a page of it."""
    found: Resolve | None = scope.get("resolve")
    bmd: Bmd | None = scope.get("bmd")
    return bmd.scriptapp("Resolve") if found is None and bmd is not None else found


def _of_clip(clip: Clip) -> Target:
    def finished(job: Job) -> str:
        add_take(clip, job)
        # The take goes through the same comp: the group hands on what it gets.
        with one_step(clip.comp, "Rackfocus take"):
            clip.controls.put("View", 0, job.frames[0])
        return "It is a take of the clip; the take selector leads back."

    return Target(clip.comp, clip.controls, lambda: files_of(clip.item, clip.comp), finished)


def _files(resolve: Resolve, comp: Comp) -> Source:
    return files_of(current_clip(resolve).item, comp)


def _print_render(target: Target, host: str) -> None:
    """Render without a window: Resolve before the UIManager's licence, or with ``-nogui``."""
    job = target.job()
    for note in job.notes:
        print(f"Rackfocus: {note}")
    request = render(engine_of(target.controls, host), job)
    while not request.done():
        _print_events(request.poll())
        try:
            request.wait(0.2)
        except EngineError as error:
            if error.code != "engine.timeout":
                raise
    _print_events(request.poll())
    request.wait()
    print(f"Rackfocus: {target.finished(job)}")


def _print_events(events: list[dict[str, Any]]) -> None:
    for event in events:
        text = progress_text(event)
        if text is not None:
            print(f"Rackfocus: {text}", flush=True)
