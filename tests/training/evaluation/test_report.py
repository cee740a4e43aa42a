from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import OpenImageIO as oiio  # noqa: N813  the name that its own documentation uses
import pytest

from tests.training.evaluation.sets import options
from training.data.clips import ClipSet
from training.evaluation import evaluate_set, write_report
from training.evaluation.strips import strip_size
from training.metrics import MEASURES


@pytest.fixture(scope="module")
def page(tiny_clips: ClipSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    return write_report(evaluate_set(options(tiny_clips, folder, "plate:name=<b>Plate</b>,draft")))


def test_the_page_needs_nothing_but_its_own_folder(page: Path) -> None:
    text = page.read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)|@import|https?://(?!www\.w3\.org/2000/svg)', text)
    named = re.findall(r'data-(?:strip|errors)="([^"]+)"', text)
    assert len(named) == 4 * 6
    assert all((page.parent / name).is_file() for name in named)


def test_names_are_shown_as_they_are(page: Path) -> None:
    text = page.read_text()
    assert "&lt;b&gt;Plate&lt;/b&gt;" in text
    assert "<b>Plate</b>" not in text


def test_a_flip_book_has_all_frames_below_one_another(page: Path, tiny_clips: ClipSet) -> None:
    clip = next(iter(tiny_clips)).clip
    across, down = strip_size(clip.width, clip.height)
    for strip in (page.parent / "pictures").rglob("*.jpg"):
        spec = oiio.ImageInput.open(str(strip)).spec()
        assert (spec.width, spec.height) == (across, down * clip.frames)


def test_the_curves_are_a_drawing(page: Path) -> None:
    ElementTree.parse(page.with_name("curves.svg"))


def test_the_papers_numbers_stand_in_a_block_of_their_own(page: Path) -> None:
    text = page.read_text()
    assert text.count("38.90") == 1
    assert text.index('class="quoted"') < text.index("38.90") < text.index("<h2>Pictures")
    markdown = page.with_name("report.md").read_text()
    assert markdown.index("## The paper's own numbers") < markdown.index("38.90")


def test_the_json_has_every_measure_of_every_contender(page: Path) -> None:
    told = json.loads(page.with_name("report.json").read_text())
    assert [row["contender"] for row in told["set"]] == ["<b>Plate</b>", "Rackfocus draft"]
    assert all(set(MEASURES) <= set(row) for row in told["set"])
    assert len(told["shots"]) == 8


def test_the_markdown_shows_the_best_middle_and_worst_shot(page: Path, tiny_clips: ClipSet) -> None:
    clip = next(iter(tiny_clips)).clip
    markdown = page.with_name("report.md").read_text()
    titles = re.findall(r"## (\S+ \S+), the (\w+) for <b>Plate</b>", markdown)
    assert [word for _, word in titles] == ["best", "middle", "worst"]
    assert len({shot for shot, _ in titles}) == 3
    for place in re.findall(r"\]\((sheets/[^)]+)\)", markdown):
        spec = oiio.ImageInput.open(str(page.parent / place)).spec()
        assert (spec.width, spec.height) == (4 * clip.width + 3 * 4, 2 * clip.height)
