"""How many weights networks have, counted layer by layer; biases and the scales of normalisation included.

Place: where f21's bound is compared with the networks of its tables.
"""

from theory import admit


def dense(*widths):
    """A fully connected net with biases; `widths` from the input to the output."""
    counts = [admit.whole(each, "a width", 1) for each in widths]
    return sum((a + 1) * b for a, b in zip(counts[:-1], counts[1:], strict=True))


def convolution(inputs, outputs, side):
    return inputs * outputs * side**2


def norm(channels):
    """A scale and a shift each."""
    return 2 * channels


def block(inputs, outputs, moved):
    """Pre-activation block of two 3 x 3 convolutions; a 1 x 1 convolution where the shape changes."""
    shortcut = convolution(inputs, outputs, 1) if moved or inputs != outputs else 0
    layers = convolution(inputs, outputs, 3) + convolution(outputs, outputs, 3)
    return norm(inputs) + norm(outputs) + layers + shortcut


def residual(first, widths, blocks, classes):
    """Three colours, a 3 x 3 convolution to `first` channels, groups of blocks, norm, mean, dense layer."""
    count, inputs = convolution(3, first, 3), first
    for group, width in enumerate(widths):
        for place in range(blocks):
            count += block(inputs, width, group > 0 and place == 0)
            inputs = width
    return count + norm(inputs) + dense(inputs, classes)


def wide_resnet(depth, width, classes):
    """WRN-depth-width: three groups of (depth - 4) / 6 blocks."""
    depth = admit.whole(depth, "the depth", 10)
    if (depth - 4) % 6:
        raise ValueError(f"the depth of a wide residual net must be 6 b + 4; got {depth}")
    return residual(16, [16 * width, 32 * width, 64 * width], (depth - 4) // 6, classes)


def preact_resnet_18(classes):
    return residual(64, [64, 128, 256, 512], 2, classes)
