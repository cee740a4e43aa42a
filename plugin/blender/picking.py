"""Focus on what is under the pointer."""

from __future__ import annotations

import bpy

from .curves import is_keyed
from .jobs import Work, until_done
from .kinds import Context, DataBlock, Event, Scene
from .operators import JobOperator
from .session import engine
from .shots import shot_of
from .sources import Plate, SettingsError
from .versions import scene_of

__all__ = ["pick_work", "register", "unregister"]


def pick_work(context: Context, across: float, down: float) -> Work:
    """Read the depth at a point of the picture and focus there; a key is set where the focus has keys.

    Args:
        context: Blender's.
        across: share of the picture's width, from the left.
        down: share of the picture's height, from the top.
    """
    scene = scene_of(context)
    settings = scene.rackfocus
    if not (0 <= across < 1 and 0 <= down < 1):
        raise SettingsError("that point is not in the picture; click on the plate, the preview or the result")
    frame = scene.frame_current
    shot = yield from shot_of(context, [frame])
    width, height = plate_size(shot.plate, frame)
    at = (shot.document, frame + shot.plate.shift, across * width, down * height, settings.pick_radius)
    request = engine().sample(*at)
    try:
        yield from until_done(request.done, "Reading the depth")
        found = request.wait()
    finally:
        request.cancel()
    owner, path, name = _target(scene)
    value = found["disparity"] if name == "disparity" else found["distance"]
    if value is None:
        raise SettingsError("the depth has no distances; focus by disparity")
    holder = owner.path_resolve(path.rpartition(".")[0])
    setattr(holder, path.rpartition(".")[2], value)
    keyed = is_keyed(owner, path) or scene.tool_settings.use_keyframe_insert_auto
    if keyed:
        owner.keyframe_insert(path, frame=frame)
    return f"focus at {name} {value:.5g}{f', keyed at frame {frame}' if keyed else ''}"


def plate_size(plate: Plate, frame: int) -> tuple[int, int]:
    """Width and height of the plate in pixels.

    Raises:
        SettingsError: it cannot be read.
    """
    if plate.header is not None:
        return plate.header.size
    path = plate.file(frame)
    known = set(bpy.data.images)
    try:
        image = bpy.data.images.load(path, check_existing=True)
    except RuntimeError:
        raise SettingsError(f"{path} cannot be read; check the plate") from None
    size = (int(image.size[0]), int(image.size[1]))
    if image not in known:
        bpy.data.images.remove(image)
    if 0 in size:
        raise SettingsError(f"{path} cannot be read; check the plate")
    return size


def _target(scene: Scene) -> tuple[DataBlock, str, str]:
    """The data block and the property that the focus is set by, and what it is."""
    source = scene.rackfocus.focus_source
    if source == "DISPARITY":
        return scene, "rackfocus.focus_disparity", "disparity"
    if source == "DISTANCE":
        return scene, "rackfocus.focus_distance", "distance"
    if source == "CAMERA" and scene.camera is not None and scene.camera.data.dof.focus_object is None:
        return scene.camera.data, "dof.focus_distance", "distance"
    raise SettingsError("the focus follows an object; set it to a distance or a disparity to pick it")


class PickFocus(JobOperator):
    """Click on the picture in the Image Editor, or the sequencer's preview, to focus there."""

    bl_idname = "rackfocus.pick_focus"
    bl_label = "Pick Focus"
    bl_options = frozenset({"REGISTER", "UNDO"})
    __annotations__ = {
        "across": bpy.props.FloatProperty(
            name="X", description="Share of the width, from the left", options={"SKIP_SAVE"}
        ),
        "down": bpy.props.FloatProperty(
            name="Y", description="Share of the height, from the top", options={"SKIP_SAVE"}
        ),
    }
    _waits = False

    def work(self, context: Context) -> Work:
        """What is to be done."""
        return pick_work(context, self.across, self.down)

    def invoke(self, context: Context, _event: Event) -> set[str]:
        """From the button: wait for a click."""
        if bpy.app.background:
            return self.execute(context)
        self._waits = True
        context.window.cursor_modal_set("EYEDROPPER")
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> set[str]:
        """Wait for the click, then read."""
        if not self._waits:
            return super().modal(context, event)
        if event.type in {"ESC", "RIGHTMOUSE"}:
            self._end_waiting(context)
            return {"CANCELLED"}
        if event.type != "LEFTMOUSE" or event.value != "PRESS":
            return (
                {"PASS_THROUGH"}
                if event.type in {"MIDDLEMOUSE", "WHEELUPMOUSE", "WHEELDOWNMOUSE"}
                else {"RUNNING_MODAL"}
            )
        self._end_waiting(context)
        place = _picture_place(context, event.mouse_x, event.mouse_y)
        if place is None:
            return self._say(
                context, "click on the picture in an Image Editor or in the sequencer's preview", "WARNING"
            )
        if self._refused():
            return {"CANCELLED"}
        self.across, self.down = place
        # It is a modal operator already; a second handler for it would be called when the operator is gone.
        self._begin(context)
        return {"RUNNING_MODAL"}

    def _end_waiting(self, context: Context) -> None:
        self._waits = False
        context.window.cursor_modal_restore()


def _picture_place(context: Context, x: int, y: int) -> tuple[float, float] | None:
    """Where in the picture a point of the window is, as shares from the top left; None where there is no picture."""
    for area in context.window.screen.areas:
        inside = [r for r in area.regions if 0 <= x - r.x < r.width and 0 <= y - r.y < r.height]
        if any(region.type not in {"WINDOW", "PREVIEW"} for region in inside):
            continue  # side bars lie over the picture
        for region in inside:
            across, up = region.view2d.region_to_view(x - region.x, y - region.y)
            if area.type == "IMAGE_EDITOR" and region.type == "WINDOW" and area.spaces.active.image is not None:
                return across, 1 - up
            if area.type == "SEQUENCE_EDITOR" and region.type == "PREVIEW":
                # Its middle is the origin, and a unit is a pixel of the scene's picture.
                render = scene_of(context).render
                width = render.resolution_x * render.pixel_aspect_x / render.pixel_aspect_y
                return across / width + 0.5, 0.5 - up / render.resolution_y
    return None


def register() -> None:
    """Make the operator known."""
    bpy.utils.register_class(PickFocus)


def unregister() -> None:
    """Take it back."""
    bpy.utils.unregister_class(PickFocus)
