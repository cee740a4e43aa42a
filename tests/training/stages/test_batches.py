from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from engine.errors import DataSetError
from engine.frames import PlateFrame, Window
from engine.optics import Defocus
from engine.renderers.any_to_bokeh.conditioning import strength_embedding
from engine.renderers.any_to_bokeh.finishing import Finishing, Lens
from engine.renderers.any_to_bokeh.tone import Tone
from engine.renderers.optical import OpticalRenderer
from engine.shot import AnyToBokehOptions, Highlights
from tests.training.stages.by_hand import windows as windows_of
from tests.training.stages.by_hand import write_set
from training.data.clips import ClipSet
from training.stages.batches import ClipWindows


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    return write_set(tmp_path_factory.mktemp("sets") / "small", clips=3)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    return write_set(tmp_path_factory.mktemp("sets") / "large", size=(192, 160), frames=3, strength=8.0)


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_window_has_the_shapes_and_ranges_that_the_networks_take(clips: ClipSet) -> None:
    item = windows_of([clips])[0]
    shapes = {name: tuple(tensor.shape) for name, tensor in item.items()}
    assert shapes == {
        "picture": (2, 3, 64, 64),
        "target": (2, 3, 64, 64),
        "defocus": (2, 64, 64),
        "strength_embedding": (2, 32),
        "regions": (2, 64, 64),
    }
    assert all(item[name].dtype == torch.float32 for name in item if name != "regions")
    assert item["regions"].dtype == torch.uint8
    assert all(item[name].min() >= 0 and item[name].max() <= 1 for name in ("picture", "target", "defocus"))
    assert default_collate([item, item])["picture"].shape == (2, 2, 3, 64, 64)
    assert "regions" not in windows_of([clips], profile="released")[0]


def test_a_window_depends_on_seed_epoch_and_number_alone(clips: ClipSet) -> None:
    one, other = (windows_of([clips], perturbation="paper") for _ in range(2))
    forwards, backwards = [one[i] for i in range(3)], [other[i] for i in (2, 1, 0)]
    assert all(map(equal, forwards, reversed(backwards)))
    one.set_epoch(1)
    assert not all(map(equal, forwards, (one[i] for i in range(3))))
    one.set_epoch(0)
    assert all(map(equal, forwards, (one[i] for i in range(3))))
    assert not all(map(equal, forwards, (windows_of([clips], seed=4)[i] for i in range(3))))


def test_a_copy_in_another_process_gives_the_same_windows(clips: ClipSet) -> None:
    here = windows_of([clips], flip=False)
    there: ClipWindows = pickle.loads(pickle.dumps(here))
    assert equal(here[1], there[1])


def test_the_networks_are_told_what_the_renderer_tells_them(clips: ClipSet) -> None:
    seen = windows_of([clips], frames=4, flip=False)
    item, clip = seen[1], clips.open("clip-1")
    lens = Lens(OpticalRenderer(), Highlights(), Defocus())
    for index in range(4):
        focusing = clip.clip.focusings[0]
        focus, strength = focusing.focus[index], focusing.strength[index]
        window = Window.of_size(64, 64)
        plate = PlateFrame(index, clip.plate(index), ("R", "G", "B"), clip.disparity(index), focus, strength, window)
        finishing = Finishing.of(plate, (64, 64), 0.0, lens, AnyToBokehOptions(profile="paper"))
        told = finishing.network_input(plate, index)
        for name in ("picture", "defocus", "strength_embedding", "regions"):
            np.testing.assert_array_equal(item[name][index].numpy(), getattr(told, name))
        truth = Tone().encode(clip.bokeh("held", index)).transpose(2, 0, 1)
        np.testing.assert_allclose(item["target"][index].numpy(), truth, atol=1e-6)


def test_a_mirrored_window_is_mirrored_in_every_frame_and_every_map(clips: ClipSet) -> None:
    plain, either = windows_of([clips], frames=3, flip=False), windows_of([clips], frames=3)
    mirrored = 0
    for epoch in range(6):
        plain.set_epoch(epoch)
        either.set_epoch(epoch)
        for number in range(len(plain)):
            as_it_is, other = plain[number], either[number]
            if equal(as_it_is, other):
                continue
            mirrored += 1
            maps = {name: tensor if name == "strength_embedding" else tensor.flip(-1) for name, tensor in other.items()}
            assert equal(as_it_is, maps)
    assert 0 < mirrored < 6 * len(plain)


def test_light_that_the_renderer_blurs_beside_the_networks_is_in_neither_picture_nor_target(tmp_path: Path) -> None:
    dark, lit = (windows_of([write_set(tmp_path / f"lamp-{lamp}", lamp=lamp)], flip=False) for lamp in (0.0, 60.0))
    for name in ("picture", "target"):
        # Of 60 times white, which as a disc would be half a white over 113 pixels.
        assert (dark[0][name] - lit[0][name])[..., :14, :14].abs().mean() < 0.01
    truth = Tone().encode(ClipSet(tmp_path / "lamp-60.0").open("clip-0").bokeh("held", 0)).transpose(2, 0, 1)
    assert np.abs(truth - dark[0]["target"][0].numpy())[..., :14, :14].mean() > 0.05


def test_of_a_larger_clip_a_part_is_seen_from_anywhere_between_near_and_far(large: ClipSet) -> None:
    near_and_far = windows_of([large], flip=False)
    seen, told = [], set()
    for epoch in range(12):
        near_and_far.set_epoch(epoch)
        seen.append(near_and_far[0])
        told.add(seen[-1]["strength_embedding"].numpy().tobytes())
    assert len(told) > 2
    assert len({item["picture"].numpy().tobytes() for item in seen}) == 12


def test_the_blur_strength_follows_the_scale(large: ClipSet) -> None:
    whole = windows_of([large], held_back=True, hold_back=1)[0]
    # 192x160 onto 64x64 shows 160x160, so K = 8 is 3.2 of its pixels: told as 4, with 0.8 of the distance.
    np.testing.assert_array_equal(whole["strength_embedding"][0].numpy(), strength_embedding(4.0, "exact"))
    assert float(whole["defocus"].max()) == pytest.approx(0.5 * 0.8, abs=1e-6)


def test_held_back_clips_are_never_trained_on_and_always_seen_alike(clips: ClipSet) -> None:
    trained, validated = windows_of([clips], hold_back=1), windows_of([clips], held_back=True, hold_back=1)
    assert (len(trained), len(validated)) == (2, 1)
    plain = windows_of([clips], flip=False)
    # A window of all four frames has but one place.
    of_clip_2 = windows_of([clips], frames=4, held_back=True, hold_back=1, perturbation="paper", flip=True)
    assert torch.equal(of_clip_2[0]["picture"], windows_of([clips], frames=4, flip=False)[2]["picture"])
    assert len(plain) == 3


def test_only_the_disparity_that_the_networks_are_told_is_perturbed_frame_by_frame(clips: ClipSet) -> None:
    clean = windows_of([clips], frames=4, flip=False)
    rough = windows_of([clips], frames=4, flip=False, perturbation="paper")
    never = windows_of([clips], frames=4, flip=False, perturbation="paper", perturb_probability=0.0)
    changed = []
    for epoch in range(4):
        for dataset in (clean, rough, never):
            dataset.set_epoch(epoch)
        one, other = clean[0], rough[0]
        assert all(torch.equal(one[name], other[name]) for name in ("picture", "target", "strength_embedding"))
        changed += [not torch.equal(a, b) for a, b in zip(one["defocus"], other["defocus"], strict=True)]
        assert equal(one, never[0])
    assert 2 < sum(changed) < 14


def test_a_clip_whose_focus_lies_on_no_element_is_never_perturbed(tmp_path: Path) -> None:
    wall = write_set(tmp_path / "wall", clips=1, element=None)
    rough = windows_of([wall], perturbation="paper", perturb_probability=1.0)
    assert equal(rough[0], windows_of([wall])[0])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"frames": 5}, "4 frames of 64x64, but a window is 5 frames"),
        ({"size": (128, 64)}, "a window is 2 frames of 128x64"),
        ({"size": (100, 64)}, "100x64 fit no network"),
        ({"hold_back": 3}, "with 3 held back, none are left to train on"),
        ({"held_back": True}, "none are left to validate with"),
    ],
)
def test_what_makes_no_window_is_told_at_once(clips: ClipSet, options: dict[str, object], told: str) -> None:
    with pytest.raises(DataSetError, match=told):
        windows_of([clips], **options)  # type: ignore[arg-type]
