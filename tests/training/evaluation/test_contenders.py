from __future__ import annotations

import pytest

from engine.errors import ShotError
from training.evaluation import parse_contenders


def test_a_setting_belongs_to_the_renderer_before_it() -> None:
    found = parse_contenders("optical,any-to-bokeh:weights=C:/w=1,name=Tiny,overlap=2,detail=false,gegl,blender:name=B")
    assert [spec.kind for spec in found] == ["optical", "any-to-bokeh", "gegl", "blender"]
    assert [spec.name for spec in found] == ["Rackfocus final", "Tiny", "GEGL lens blur", "B"]
    options = found[1].options
    assert options is not None
    assert (options.weights, options.overlap, options.detail) == ("C:/w=1", 2, False)


def test_without_the_multi_plane_image_the_masks_are_off() -> None:
    (spec,) = parse_contenders("any-to-bokeh:weights=w,profile=paper,without=mpi+wois")
    assert spec.without == ("mpi", "wois")
    assert spec.options is not None
    assert spec.options.mpi_masks == "off"
    assert spec.folder == "any-to-bokeh-no-mpi-no-wois"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "names none"),
        ("optical,luxor", 'there is no renderer "luxor"; choose from optical'),
        ("optical:k=3", "optical has no option k"),
        ("any-to-bokeh", "needs weights"),
        ("any-to-bokeh:weights=w,colour=red", "any-to-bokeh: colour: Extra inputs are not permitted"),
        ("any-to-bokeh:weights=w,overlap=40", "any-to-bokeh: overlap: Input should be less than or equal to 16"),
        ("any-to-bokeh:weights=w,without=luck", "nothing to be without luck; choose from mpi, prior"),
        ("any-to-bokeh:weights=w,without=mpi,mpi_masks=threshold", "mpi_masks cannot be on"),
        ("any-to-bokeh:weights", 'cannot read "weights"'),
        ("plate,plate", "2 of them are called"),
        ("plate:name=A b,draft:name=a-B", "tell them apart"),
        ("plate:name=!!", "needs a letter"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(words: str, sentence: str) -> None:
    with pytest.raises(ShotError, match="--renderers") as caught:
        parse_contenders(words)
    assert sentence in caught.value.message
