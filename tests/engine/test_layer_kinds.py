"""Data is not light: what a layer holds is told by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.layer_kinds import TABLE, kind_of, table
from engine.media.depth_names import KNOWN

LIGHT = """
    R Y diffuse.R specular_indirect.B DiffDir.R ViewLayer.GlossCol.G emission.R albedo.R Shadow.R denoised_beauty.R
    RGBA_denoise.G VRayDenoiser.R motionblur_beauty.R depthOfField.R beauty_motion_blur.G diffuse_depth1.R composition.R
    solid.R fluid.B grid.R humanoid.R key_light.R RGBA_key.R lens_flare.R overflow.R lava_flow.R C_normalised.R
    transparency.R beauty.Y left.R Noisy_Image.R VRayLightSelect.R LPE_1.R
"""
SHARES = """
    A diffuse.A mask.A rotopaint_mask.a MultiMatteElement.R PuzzleMatte.G shadow_matte.R object_id_mask.R AO.R ao.Y
    AOV_fresnel.R opacity.R coverage CMasking_Mask.R mask.X
"""
DATA = """
    CryptoObject00.R uCryptoObject01.B crypto_material02.A VRayCryptomatte00.R ViewLayer.CryptoAsset01.g
    ActorHitProxyMask00.R ObjectID.R VRayObjectID.R VRayRenderID.G VRayMtlID.R IndexOB.X ViewLayer.IndexMA.X Op_Id.R
    primid id.id id ids.R CMasking_ID.R objectid.R
    N.R N.X Normal.X ViewLayer.Normal.Z Nref.R Nn.X VRayNormals.R VRayBumpNormals.B WorldNormal.R __Nworld.X hitN.X
    CGeometry_NormalsShading.R N_denoise.R ray:hitN.x normal.left.X BumpNormals.Y
    P.R P.X Pref.G Position.X ViewLayer.Position.Z WorldPosition.R ray:hitP.x __Pworld.Y CGeometry_WorldPosition.R
    ppass.R motion.u Vector.W ViewLayer.Vector.X MotionVectors.R VRayVelocity.R forward.u backward.v dPdtime.X
    velocity.x
    UV.U UV.A uvw.R STMap.R st.x
    Z z depth.Z Depth.V ViewLayer.Depth.Z VRayZDepth.R zDepth.R WorldDepth.R FinalImage_WorldDepth.R Mist.Z volume_Z
    volume_Z.R Pz.R zback disparityL.x fx.Z Z_filtered.R
    cputime cputime.R sampleCount VRaySampleRate.R diffuse_mse.R albedo_var.R variance.R denoise_albedo.R
    custom.X custom.U custom.W
"""


@pytest.mark.parametrize("name", LIGHT.split())
def test_what_shines_is_light(name: str) -> None:
    assert kind_of(name).name == "light"


@pytest.mark.parametrize("name", SHARES.split())
def test_a_share_is_blurred_but_is_no_light(name: str) -> None:
    kind = kind_of(name)
    assert not kind.is_data
    assert kind.name != "light"


@pytest.mark.parametrize("name", DATA.split())
def test_ids_normals_positions_vectors_depths_and_figures_are_data(name: str) -> None:
    assert kind_of(name).is_data


@pytest.mark.parametrize("name", ["Denoising Normal.X", "Debug Sample Count.X", "Material ID.R", "Motion vector.R"])
def test_names_may_have_blanks(name: str) -> None:
    assert kind_of(name).is_data


def test_y_is_a_luminance_unless_it_stands_beside_an_x() -> None:
    assert not kind_of("glow.Y", ["glow.Y"]).is_data
    assert kind_of("wind.Y", ["wind.X", "wind.Y", "wind.Z"]).is_data


@pytest.mark.parametrize("name", ["diffuse.R", "mask.A", "count", "CryptoObject00.R"])
def test_whole_numbers_are_data_whatever_their_name(name: str) -> None:
    assert kind_of(name, [name], "uint").is_data


@pytest.mark.parametrize("name", [name for _, names in KNOWN for name in names])
def test_what_is_taken_for_a_depth_is_no_light(name: str) -> None:
    assert kind_of(name).is_data


def test_each_example_of_the_table_is_of_its_kind() -> None:
    for kind in TABLE:
        for example in kind.examples:
            if example.startswith("all "):
                continue
            name = example if "." in example or example == "Z" else f"{example}.R"
            assert kind_of(name) is kind, example


def test_the_documentation_has_the_table_as_it_is() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "what_is_read.md"
    assert table() in page.read_text(encoding="utf-8")
