from __future__ import annotations

import math
from xml.etree import ElementTree

from training.benchmark.plot import Mark, Panel, Series, line_chart

SVG = "{http://www.w3.org/2000/svg}"


def chart(*points: tuple[float, float]) -> ElementTree.Element:
    panel = Panel("over K", "K", "CPU seconds", (Series("a & b", points),), (8, 16, 64), (Mark(0.1, "24 fps"),))
    return ElementTree.fromstring(line_chart("Cost", [panel]))


def line_of(root: ElementTree.Element) -> list[tuple[float, float]]:
    text = root.find(f"{SVG}polyline").attrib["points"]
    return [tuple(map(float, pair.split(","))) for pair in text.split()]


def test_a_power_law_is_a_straight_line() -> None:
    (x0, y0), (x1, y1), (x2, y2) = line_of(chart((8, 0.2), (16, 0.4), (64, 1.6)))
    assert math.isclose((x2 - x1) / (x1 - x0), 2.0, rel_tol=1e-2)
    assert math.isclose((y2 - y1) / (y1 - y0), 2.0, rel_tol=1e-2)
    assert y2 < y0


def test_points_that_were_not_run_are_left_out() -> None:
    assert len(line_of(chart((8, 0.2), (16, math.nan), (32, 0.0), (64, 1.6)))) == 2


def test_axes_legend_and_marks_carry_their_words() -> None:
    words = {element.text for element in chart((8, 0.2), (64, 1.6)).iter(f"{SVG}text")}
    assert {"Cost", "over K", "K", "CPU seconds", "a & b", "24 fps", "8", "16", "64", "0.1", "1"} <= words


def test_a_chart_without_any_point_is_still_a_chart() -> None:
    assert chart().find(f"{SVG}polyline") is None


def test_an_even_axis_gives_equal_steps_equal_heights() -> None:
    panel = Panel("PSNR", "K", "dB", (Series("a", ((8, 26.0), (16, 31.0), (64, 36.0))),), (8, 16, 64), linear=True)
    root = ElementTree.fromstring(line_chart("Near", [panel]))
    (_, y0), (_, y1), (_, y2) = line_of(root)
    assert math.isclose(y0 - y1, y1 - y2, abs_tol=0.11)
    assert y2 < y1 < y0
    assert {"26", "30", "36"} <= {element.text for element in root.iter(f"{SVG}text")}
