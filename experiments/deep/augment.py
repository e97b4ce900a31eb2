"""Crops, flips and cutout of a batch of images, from a key, inside the compiled step.

    x = normalised(augmented(crop_key, pixels, crop=4, flip=True), mean, deviation, dtype)
    x = augmented(cutout_key, x, cutout=16)

The papers crop pixels, where 0 is black, and cut out of normalised images, where 0 is the mean of the
training set. Every image has draws of its own. Sizes are static; the functions are plain, and whoever calls
them compiles them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import admit

PADDINGS = ("zero", "reflect")


class Draws(NamedTuple):
    """What chance decides for n images, whole numbers but for `flipped`."""

    top: jax.Array  # (n,), from 0 to 2 crop: where the crop begins in the padded image
    left: jax.Array
    flipped: jax.Array  # (n,), true or false with equal chance
    row: jax.Array  # (n,), the centre of the cutout, any pixel
    column: jax.Array


def draws(key, n, height, width, crop):
    """Each of the (2 crop + 1)^2 places, both directions and every centre have the same chance."""
    keys = jax.random.split(key, 3)
    side = 2 * crop + 1
    place = jax.random.randint(keys[0], (n,), 0, side**2)
    centre = jax.random.randint(keys[2], (n,), 0, height * width)
    flipped = jax.random.bernoulli(keys[1], shape=(n,))
    return Draws(place // side, place % side, flipped, centre // width, centre % width)


def augmented(key, x, *, crop=0, padding="zero", flip=False, cutout=0):
    """The batch x (n, height, width, channels), of any dtype, cropped, flipped and cut in this order.

    crop     the image is padded by so many pixels on every side and a window of its size taken, each of the
             (2 crop + 1)^2 with the same chance; `padding` is "zero", or "reflect" without the edge twice
    flip     left and right are exchanged with chance 1/2
    cutout   a square of this side around a pixel drawn uniformly is 0; it is clipped at the border

    Every value is one of the same image and channel, or 0. Raises ValueError for a crop that is not smaller
    than the image, a cutout that is larger, another padding.

    Place: f21's public code pads by reflection and cuts one place for a whole batch, af22's pads with zeros;
    cutout is of DeVries and Taylor 2017, each image its own place as here.
    """
    n, height, width, _ = x.shape
    small = min(height, width)
    crop = admit.whole(crop, "the padding of the crop", 0, small - 1)
    cutout = admit.whole(cutout, "the side of the cutout", 0, small)
    if padding not in PADDINGS:
        raise ValueError(f"the padding must be one of {', '.join(PADDINGS)}; got {padding!r}")
    if not (crop or flip or cutout):
        return x
    drawn = draws(key, n, height, width, crop)
    if crop:
        x = cropped(x, drawn.top, drawn.left, crop, padding)
    if flip:
        x = mirrored(x, drawn.flipped)
    if cutout:
        x = jnp.where(
            cut(drawn.row, height, cutout)[:, :, None, None]
            & cut(drawn.column, width, cutout)[:, None, :, None],
            jnp.zeros_like(x),
            x,
        )
    return x


def cropped(x, top, left, crop, padding):
    """The windows of the padded images that begin at `top` and `left`, each a copy of one slice."""
    if padding == "zero":
        padded = jnp.pad(x, ((0, 0), (crop, crop), (crop, crop), (0, 0)))
    else:  # by indices: on a CPU `reverse`, which `jnp.pad` is made of here, takes ten times a gather
        rows, columns = (np.pad(np.arange(size), crop, mode="reflect") for size in x.shape[1:3])
        padded = x[:, rows][:, :, columns]
    return jax.vmap(lambda image, *at: jax.lax.dynamic_slice(image, (*at, 0), x.shape[1:]))(padded, top, left)


def mirrored(x, flipped):
    """Left and right exchanged in the images where `flipped`; by indices, see `cropped`."""
    columns = jnp.arange(x.shape[2])
    order = jnp.where(flipped[:, None], columns[None, ::-1], columns[None, :])
    return jax.vmap(lambda image, order: image[:, order])(x, order)


def cut(centre, size, side):
    """(n, size): true from centre - side // 2 on, `side` places of those that exist."""
    place = jnp.arange(size)[None, :] - (centre[:, None] - side // 2)
    return (place >= 0) & (place < side)


def normalised(x, mean, deviation, dtype):
    """(x - mean) / deviation channel by channel, computed in single precision at least, as `dtype`.

    `mean` and `deviation` (channels,) are in the units of x: pixels from 0 to 255 need no division first.
    """
    exact = jnp.promote_types(dtype, jnp.float32)
    mean, deviation = (jnp.asarray(each, exact)[None, None, None, :] for each in (mean, deviation))
    return ((x.astype(exact) - mean) / deviation).astype(dtype)
