"""Augmentation against a loop over images and pixels with the same draws, and the draws against their law."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from experiments.deep.augment import augmented, draws, normalised

N, HEIGHT, WIDTH, CHANNELS = 200, 5, 7, 2
CROP = 2
X = 1 + np.arange(N * HEIGHT * WIDTH * CHANNELS, dtype=np.int32).reshape(N, HEIGHT, WIDTH, CHANNELS)
KEY = jax.random.key(3)
LEVEL = 1e-6  # of the chi-square tests; the key is fixed, so a true law fails here once in a million keys
OPTIONS = {
    "zero": {"crop": CROP, "flip": True},
    "reflect": {"crop": CROP, "padding": "reflect", "flip": True, "cutout": 4},
    "cutout": {"cutout": 3},
}


@pytest.fixture(scope="module")
def compiled():
    """Draws and images of every option for two keys: one program, in a scan as steps are."""

    @jax.jit
    def run(keys, x):
        def step(_, key):
            drawn = {crop: draws(key, N, HEIGHT, WIDTH, crop) for crop in (0, CROP)}
            return None, (drawn, {name: augmented(key, x, **option) for name, option in OPTIONS.items()})

        return jax.lax.scan(step, None, keys)[1]

    drawn, images = jax.device_get(run(jnp.stack([KEY, jax.random.key(4)]), X))
    return [jax.tree.map(lambda x, step=step: x[step], (drawn, images)) for step in range(2)]


def by_hand(drawn, x, crop=0, padding="zero", flip=False, cutout=0):
    out = np.empty_like(x)
    for i in range(len(x)):
        mode = {"zero": "constant", "reflect": "reflect"}[padding]
        image = np.pad(x[i], ((crop, crop), (crop, crop), (0, 0)), mode=mode)
        top, left = drawn.top[i], drawn.left[i]
        image = image[top : top + HEIGHT, left : left + WIDTH].copy()
        if flip and drawn.flipped[i]:
            image = image[:, ::-1].copy()
        for down, right in product(range(cutout), repeat=2):
            row, column = drawn.row[i] - cutout // 2 + down, drawn.column[i] - cutout // 2 + right
            if 0 <= row < HEIGHT and 0 <= column < WIDTH:
                image[row, column] = 0
        out[i] = image
    return out


# What is done with the draws


@pytest.mark.parametrize("name", OPTIONS)
def test_the_compiled_batch_is_that_of_a_loop_over_its_images(name, compiled):
    option = OPTIONS[name]
    for drawn, images in compiled:
        own = drawn[option.get("crop", 0)]
        np.testing.assert_array_equal(images[name], by_hand(own, X, **option))
        others = [by_hand(own._replace(**wrong), X, **option) for wrong in exchanged(own)]
        assert any(np.any(images[name] != other) for other in others)  # the draws matter
    assert np.any(compiled[0][1][name] != compiled[1][1][name])  # and the key


def exchanged(drawn):
    yield {"top": drawn.left, "left": drawn.top}
    yield {"flipped": ~drawn.flipped}
    yield {"row": np.roll(drawn.row, 1)}


def test_every_value_is_of_the_same_image_and_channel_or_0(compiled):
    for images in compiled[0][1].values():
        for i, channel in product(range(N), range(CHANNELS)):
            assert set(images[i, :, :, channel].flat) <= {0, *X[i, :, :, channel].flat}


def test_nothing_asked_for_is_the_identity():
    assert np.array_equal(augmented(KEY, X), X)


def test_the_place_in_the_middle_is_the_identity_or_the_mirror_image_and_no_other_is(compiled):
    drawn, images = compiled[0][0][CROP], compiled[0][1]["zero"]
    middle = (drawn.top == CROP) & (drawn.left == CROP)
    as_it_was = np.where(drawn.flipped[:, None, None, None], images[:, :, ::-1], images)
    assert np.array_equal(np.all(as_it_was == X, axis=(1, 2, 3)), middle)
    assert {*drawn.flipped[middle]} == {True, False}  # of 8 images expected


def test_a_square_at_the_border_is_clipped(compiled):
    """Side 3 around a corner leaves 2 x 2, around an edge 2 x 3, inside 3 x 3."""
    drawn, images = compiled[0]
    at_edge = np.isin(drawn[0].row, (0, HEIGHT - 1)) * 1 + np.isin(drawn[0].column, (0, WIDTH - 1))
    sizes = np.array([9, 6, 4])[at_edge]
    assert set(sizes) == {4, 6, 9}
    assert np.array_equal(np.sum(images["cutout"][..., 0] == 0, axis=(1, 2)), sizes)


# The law of the draws


def chance(counts):
    """p of the hypothesis that all cells have the same chance."""
    return stats.chisquare(np.ravel(counts)).pvalue


def test_every_place_direction_and_centre_has_the_same_chance():
    """Pair by pair, so that they are independent too; the control draws the second from the first."""
    side = 2 * CROP + 1
    drawn = jax.device_get(draws(KEY, 50_000, HEIGHT, WIDTH, CROP))
    assert set(zip(drawn.top, drawn.left, strict=True)) == set(product(range(side), repeat=2))
    place, centre = drawn.top * side + drawn.left, drawn.row * WIDTH + drawn.column
    pairs = {
        "place and direction": (place, side**2, drawn.flipped, 2),
        "centre and direction": (centre, HEIGHT * WIDTH, drawn.flipped, 2),
        "place and centre": (place, side**2, centre, HEIGHT * WIDTH),
    }
    for name, (first, many, second, few) in pairs.items():
        assert chance(np.bincount(first * few + second, minlength=many * few)) > LEVEL, name
        assert chance(np.bincount(first * few + first % few, minlength=many * few)) < LEVEL, name
    never_last = np.minimum(place, side**2 - 2)
    assert chance(np.bincount(never_last, minlength=side**2)) < LEVEL


# Normalisation


def test_the_training_set_has_mean_0_and_deviation_1_after_it():
    x = np.random.default_rng(0).integers(0, 256, (30, 4, 4, 3)).astype(np.uint8) // np.array(
        [1, 2, 3], np.uint8
    )
    mean, deviation = x.mean((0, 1, 2)), x.std((0, 1, 2))
    found = normalised(jnp.asarray(x), mean, deviation, jnp.float64)
    np.testing.assert_allclose(found, (x - mean) / deviation, rtol=1e-14)
    np.testing.assert_allclose(np.mean(found, (0, 1, 2)), 0, atol=1e-14)
    np.testing.assert_allclose(np.std(found, (0, 1, 2)), 1, rtol=1e-13)


def test_half_precision_is_rounded_once():
    """At 255 - 254.5 a difference taken in bfloat16, of 8 bits, would be 0."""
    x = jnp.full((1, 1, 1, 1), 255, jnp.uint8)
    found = normalised(x, np.array([254.5]), np.array([1.0]), jnp.bfloat16)
    assert found.dtype == jnp.bfloat16 and found.item() == 0.5
    assert jnp.bfloat16(255) - jnp.bfloat16(254.5) != 0.5


# Refusals


@pytest.mark.parametrize(
    "option, said",
    [
        ({"crop": -1}, "crop.*-1"),
        ({"crop": HEIGHT}, f"crop.*0 to {HEIGHT - 1}; got {HEIGHT}"),
        ({"crop": 1.5}, "crop.*1.5"),
        ({"crop": 1, "padding": "edge"}, "zero, reflect; got 'edge'"),
        ({"cutout": HEIGHT + 1}, f"cutout.*{HEIGHT}; got {HEIGHT + 1}"),
    ],
)
def test_sizes_and_names_without_meaning_are_refused(option, said):
    with pytest.raises(ValueError, match=said):
        augmented(KEY, X, **option)
