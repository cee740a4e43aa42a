"""What a run of training is told: the settings of each stage, where it starts, and what it keeps.

A run is one TOML or YAML file. What it leaves out comes from the preset that it names. No Torch here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from engine.errors import TrainingError
from engine.networks.presets import PresetName
from engine.shot.part import DocumentPart
from training.documents import checked, read_table
from training.stages.presets import STAGES, preset_settings

__all__ = ["StageSettings", "Start", "TrainingRun", "load_run", "run_from_dict", "run_schema"]

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class StageSettings(DocumentPart):
    """How one stage trains."""

    steps: int | None = Field(
        None, ge=1, description="Updates of the weights, of `accumulate` batches each; give this or `epochs`."
    )
    epochs: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Passes over every clip and focusing; give this or `steps`."
    )
    frames: int = Field(ge=1, description="Consecutive frames of a window.")
    size: str = Field(pattern=r"^\d+x\d+$", description="WIDTHxHEIGHT of the networks' pictures, in multiples of 64.")
    batch: int = Field(1, ge=1, description="Windows that each device computes at once.")
    accumulate: int = Field(1, ge=1, description="Batches whose gradients are added up for an update.")
    learning_rate: _Positive = Field(description="Of AdamW; constant, without warm-up.")
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = Field(
        (0.9, 0.999), description="Of AdamW: how much of the gradient's mean and square is kept."
    )
    weight_decay: _Weight = Field(0.01, description="Of AdamW.")
    clip_norm: _Positive | None = Field(
        None, description="Longest gradient; a longer one is shortened to it. Null: none is, as published."
    )
    ema: float | None = Field(
        None, gt=0, lt=1, description="Decay of a running mean of the weights, which is then what is kept."
    )
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        "fp32", description="What layers compute in; weights stay in fp32. fp16 needs a GPU."
    )
    checkpointing: bool = Field(
        False, description="Compute layers again on the way back, for less memory; the gradients are the same."
    )
    perturbation: Literal["none", "paper", "released"] = Field(
        "none", description="What is done to disparity around the focus, so that training meets bad depth."
    )
    perturb_probability: float = Field(0.5, ge=0, le=1, description="Share of the frames that it is done to.")
    texture: Literal["paper", "released"] = Field(
        "paper", description="Form of the texture loss: squared Sobel components, or lengths of gradients."
    )
    texture_weight: _Weight = Field(1.0, description="Of the texture loss, beside the L1 loss.")
    kl_weight: _Weight = Field(1e-6, description="Of the latents' divergence from a normal distribution, in stage 0.")
    posterior: Literal["sample", "mode"] = Field(
        "sample", description="Latents that are drawn from the encoder's distribution, or its mean."
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Of the order of windows and of all random numbers.")

    @model_validator(mode="after")
    def _possible(self) -> StageSettings:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs")
        if any(side % 64 or not side for side in self.width_height):
            raise ValueError(f"size is {self.size}, but its sides must be multiples of 64")
        return self

    @property
    def width_height(self) -> tuple[int, int]:
        """Of the networks' pictures."""
        width, height = self.size.split("x")
        return int(width), int(height)


class Start(DocumentPart):
    """What the networks are before the first stage: weights of a folder, or random ones of a preset."""

    weights: str | None = Field(
        None,
        description="Folder of Any-to-Bokeh's weights, or of Stable Video Diffusion's, to which the rest is added.",
    )
    preset: PresetName | None = Field(None, description="Size of networks with random weights.")
    seed: int = Field(0, ge=0, description="Of the random weights.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Start:
        if (self.weights is None) == (self.preset is None):
            raise ValueError("give either weights, a folder to start from, or preset, for random weights")
        return self


class TrainingRun(DocumentPart):
    """A run of training: one file says all of it."""

    preset: PresetName | None = Field(None, description="Whose values fill what the file leaves out.")
    data: tuple[str, ...] = Field(min_length=1, description="Folders of clips, as `rackfocus data make` writes them.")
    start: Start = Field(description="What the networks are before the first stage.")
    profile: Literal["paper", "released"] = Field(
        "paper", description="What the networks are told, and how; the same as the shot document's."
    )
    stages: dict[int, StageSettings] = Field(
        min_length=1,
        description="Settings by number: 0 the autoencoder, 1 the whole U-Net, 2 its temporal blocks with perturbed "
        "disparity, 3 the decoder and its skips.",
    )
    hold_back: int = Field(1, ge=0, description="Last clips of all sets, which are validated on and never trained on.")
    validate_every: int = Field(500, ge=1, description="Updates from one validation to the next.")
    samples: int = Field(2, ge=0, description="Windows of a validation, each a row of the sample pictures.")
    save_every: int = Field(500, ge=1, description="Updates from one checkpoint to the next.")
    keep: int = Field(2, ge=1, description="Newest checkpoints that are kept.")
    workers: int = Field(0, ge=0, description="Processes of each device that read clips; 0: its own does.")

    @model_validator(mode="before")
    @classmethod
    def _filled_by_preset(cls, data: Any) -> Any:  # noqa: ANN401  whatever a file holds
        if not isinstance(data, Mapping):
            return data
        values, given = preset_settings(data.get("preset")), dict(data)
        filled = dict(values.get("stages", {}))
        if isinstance(given.get("stages"), Mapping):
            for number, entry in given["stages"].items():
                _require_known(number)
                filled[str(number)] = _over(filled.get(str(number), {}), entry)
            given["stages"] = filled
        if "start" not in values and "start" not in given:
            raise ValueError("start is missing; name weights to start from, or a preset for random ones")
        return {**values, **given}

    @property
    def order(self) -> tuple[int, ...]:
        """Stages that a whole run has: the autoencoder is trained only where it starts from random weights."""
        return tuple(number for number in sorted(self.stages) if number > 0 or self.start.weights is None)


def load_run(path: str | Path, changes: Mapping[str, Any] | None = None) -> TrainingRun:
    """Read a run from a TOML or YAML file; relative folders in it are taken from where the file lies.

    Args:
        path: ``.toml``, ``.yaml``, ``.yml`` or ``.json``.
        changes: fields that replace the file's own.

    Raises:
        TrainingError: it cannot be read, or a field is unknown or wrong; names file and field.
    """
    file = Path(path).expanduser()
    data = read_table(file, TrainingError)
    folder = file.absolute().parent
    if isinstance(data.get("data"), list):
        data["data"] = [_from(folder, entry) for entry in data["data"]]
    if isinstance(data.get("start"), dict) and "weights" in data["start"]:
        data["start"]["weights"] = _from(folder, data["start"]["weights"])
    return run_from_dict({**data, **(changes or {})}, str(file))


def run_from_dict(data: Mapping[str, Any], where: str) -> TrainingRun:
    """A run from plain data.

    Args:
        data: the top level.
        where: what messages name first.

    Raises:
        TrainingError: a field is unknown, missing or wrong; names it.
    """
    return checked(TrainingRun, data, where, TrainingError)


def run_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a run's file, with the description of each field.

    Only ``data`` is required: a preset may fill in the rest.
    """
    schema = TrainingRun.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        part.pop("required", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "required": ["data"]}


def _require_known(stage: object) -> None:
    if str(stage) not in map(str, STAGES):
        known = ", ".join(f"{number} ({title})" for number, title in STAGES.items())
        raise ValueError(f"there is no stage {stage}; stages are {known}")


def _over(preset: Mapping[str, Any], entry: object) -> object:
    """A stage's own fields over those of the preset; its length is said once, in steps or in epochs."""
    if not isinstance(entry, Mapping):
        return entry
    lengths = {"steps", "epochs"}
    said = any(entry.get(name) is not None for name in lengths)
    return {**{name: value for name, value in preset.items() if not (said and name in lengths)}, **entry}


def _from(folder: Path, entry: object) -> object:
    return str(folder / Path(entry).expanduser()) if isinstance(entry, str) else entry
