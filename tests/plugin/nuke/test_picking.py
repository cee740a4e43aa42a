"""A point of the picture becomes the focus, and a camera the lens."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from plugin.errors import EngineError
from tests.plugin.nuke.comps import HEIGHT, NEAR, WIDTH, comp, distances
from tests.plugin.nuke.fakes import AnimationCurve, AnimationKey, FakeNuke
from tests.plugin.nuke.fakes.nodes import Node


def ready(host: FakeNuke, kind: str = "distance") -> Node:
    node = comp(host)
    import_module("plugin.nuke.callbacks").register()
    node["depth_near"].setValue(NEAR)
    node["focus_kind"].setValue(kind)
    return node


def drag(node: Node, x: float, y: float) -> None:
    node["focal_point"].setValue(x, 0)
    node["focal_point"].setValue(y, 1)


def test_dragging_the_point_reads_the_one_pixel_under_it(host: FakeNuke) -> None:
    """Trap: whole numbers are corners, where a filter mixes two depths."""
    node = ready(host)
    for x in (9.0, 9.3, 9.99):
        drag(node, x, 5.2)
        assert node["focus"].value() == pytest.approx(float(distances(1001)[5, 9]), rel=1e-6), x
    drag(node, WIDTH // 2, 5)
    assert node["focus"].value() == pytest.approx(float(distances(1001)[5, WIDTH // 2]), rel=1e-6)


def test_a_disparity_is_that_of_the_overlay(host: FakeNuke) -> None:
    node = ready(host, "disparity")
    drag(node, 9, 5)
    assert node["focus"].value() == pytest.approx(NEAR / float(distances(1001)[5, 9]), rel=1e-6)
    node["show"].setValue("coc")
    assert abs(node.pixels(1001)["rgba.red"][5, 9]) < 1e-6


def test_a_focus_that_is_animated_gets_a_key_at_this_frame(host: FakeNuke) -> None:
    node = ready(host)
    node["focus"].animate(AnimationCurve([AnimationKey(1001, 2.0), AnimationKey(1006, 3.0)]))
    host.root()["frame"].setValue(1004)
    drag(node, WIDTH // 2, 5)
    keys = {key.x: key.y for key in node["focus"].curve().all_keys}
    assert keys == {1001: 2.0, 1006: 3.0, 1004: pytest.approx(float(distances(1004)[5, WIDTH // 2]))}
    assert "key at frame 1004" in node["status"].value()


def test_a_focus_that_is_not_animated_stays_so(host: FakeNuke) -> None:
    node = ready(host)
    drag(node, 9, 5)
    assert not node["focus"].isAnimated()


def test_an_expression_is_never_written_over(host: FakeNuke) -> None:
    node = ready(host)
    node["focus"].setExpression(lambda _: 4.0)
    drag(node, 9, 5)
    assert node["focus"].value() == 4.0
    assert "follows an expression" in node["status"].value()


def test_in_proxy_mode_the_same_pixel_is_read(host: FakeNuke) -> None:
    node = ready(host)
    host.root()["proxy"].setValue(True)
    drag(node, 9, 5)
    assert node["focus"].value() == pytest.approx(float(distances(1001)[5, 9]), rel=1e-6)
    assert host.root()["proxy"].value() is True


def test_outside_the_picture_and_in_the_sky_nothing_changes_and_a_sentence_says_so(host: FakeNuke) -> None:
    node = ready(host)
    before = node["focus"].value()
    drag(node, WIDTH + 3, 5)
    assert "pick inside the picture" in node["status"].value()
    node.input(1).picture = lambda _: {"depth.Z": np.full((HEIGHT, WIDTH), np.inf, np.float32)}
    drag(node, 9, 5)
    assert "pick another point" in node["status"].value()
    assert node["focus"].value() == before
    assert host.messages == [], "no window in the middle of a drag"


def test_a_disparity_without_the_nearest_depth_is_not_guessed(host: FakeNuke) -> None:
    node = ready(host, "disparity")
    node["depth_near"].setValue(0)
    drag(node, 9, 5)
    assert "disparity needs the nearest depth" in node["status"].value()


def test_inverse_depth_gives_distances_too(host: FakeNuke) -> None:
    node = ready(host)
    node["depth_kind"].setValue("inverse")
    node.input(1).picture = lambda frame: {"depth.Z": 1 / distances(frame)}
    drag(node, 9, 5)
    assert node["focus"].value() == pytest.approx(float(distances(1001)[5, 9]), rel=1e-6)


def test_the_button_shows_what_went_wrong(host: FakeNuke) -> None:
    node = ready(host)
    node["focus"].setExpression(lambda _: 4.0)
    import_module("plugin.nuke.buttons").pick_focus(node)
    assert "follows an expression" in host.messages[0]


def test_the_lens_follows_the_camera_also_when_it_zooms(host: FakeNuke) -> None:
    node = ready(host)
    camera, dot = host.createNode("Camera2"), host.createNode("Dot")
    dot.setInput(0, camera)
    node.setInput(3, dot)
    zoom = AnimationCurve([AnimationKey(1001, 35, 0, 4), AnimationKey(1006, 85)])
    camera["focal"].animate(zoom)
    camera["focal_point"].animate(AnimationCurve([AnimationKey(1001, 3), AnimationKey(1006, 7)]))
    import_module("plugin.nuke.buttons").take_camera(node)
    assert host.messages == []
    for frame in range(1001, 1007):
        assert node["focal_length"].valueAt(frame) == zoom.evaluate(frame)
        assert node["focus"].valueAt(frame) == camera["focal_point"].valueAt(frame)
    assert node["f_number"].value() == 16
    assert node["sensor_width"].value() == 24.576
    assert (node["blur_kind"].value(), node["focus_kind"].value()) == ("lens", "distance")


def test_no_camera_is_a_sentence(host: FakeNuke) -> None:
    with pytest.raises(EngineError, match="connect one to its fourth input"):
        import_module("plugin.nuke.picking").take_camera(comp(host))
