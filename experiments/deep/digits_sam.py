"""SGD against SAM on scikit-learn's digits: test error, and sharpness along training and at the end.

A dense net 64-64-10 with group norm (or another, --net), batches of 64, momentum 0.9, cosine steps, weight
decay; from several seeds, each with the same start and order of the examples for every method. SGD is the
radius 0 of the same program. After the epochs `measured` the loss over the first training examples is looked
at (experiments/deep/measure.py), for every net at the same radii: `lambda_1` ... `lambda_5` of its Hessian,
the trace, and its rise in the worst, the ascent and the average direction, in groups, and relative to the
weights (`adaptive`). `loss` and `ahead_loss` are means over the steps of an epoch; `subset_loss` is measured.

    python -m experiments.deep.digits_sam [--quick] [--seed N] [--out DIR]

is python -m experiments digits_sam.
"""

import sys

import jax
import numpy as np

from experiments.record import progress, sign_test
from theory import admit

SECONDS = 40
QUICK = {"seeds": 2, "rhos": (0.1,), "measured": (1, 2), "examples": 256, "subset": 64}
RADIUS, ADAPTIVE_RADIUS, GROUP = 0.05, 0.5, 32  # of what is measured
FITTED = 0.05  # the training loss at the end, or a net has not learned its digits
SEEN = ("loss", "ahead_loss", "test_loss", "test_accuracy")


def run(
    seed=0,
    seeds=5,
    net="mlp",
    rhos=(0.05, 0.1, 0.2),
    gamma=0.1,
    decay=5e-4,
    batch=64,
    measured=(1, 2, 4, 8, 16, 30),
    examples=1297,
    subset=512,
):
    """`measured` are the epochs after which it is; the last ends the training."""
    admit.whole(seeds, "seeds", 1)
    admit.steps(gamma, rhos, 1)
    if min(rhos) == 0:
        raise ValueError("rhos takes positive radii, the method without one is there already; got 0")
    if list(measured) != sorted(set(measured)) or measured[0] < 1:
        raise ValueError(f"measured takes rising epochs from 1 on; got {','.join(map(str, measured))}")
    with jax.enable_x64(False):  # nets are trained in single precision, whoever asks
        return trained(seed, seeds, net, rhos, gamma, decay, batch, measured, examples, subset)


def trained(seed, seeds, net, rhos, gamma, decay, batch, measured, examples, subset):
    """In single precision, which the caller has set."""
    from experiments.deep import train  # it needs the extra "nets"
    from experiments.deep.settings import Settings

    drawn = np.random.SeedSequence(seed).generate_state(seeds) // 2
    settings = Settings(
        net=net,
        batch=batch,
        examples=examples,
        epochs=measured[-1],
        seeds=tuple(map(int, drawn)),
        rho=("0", *map(str, rhos)),
        gamma=(f"cosine:{gamma}",),
        decay=(decay,),
        measure=measured,
        measure_examples=subset,
        measure_rho=RADIUS,
        measure_adaptive_rho=ADAPTIVE_RADIUS,
        measure_group=GROUP,
    )
    progress(f"digits_sam: {net}, {len(rhos) + 1} methods from {seeds} seeds, {measured[-1]} epochs each")
    found = train.trained(settings, limits=train.Limits(keep_diverged=True))
    epochs = found.table.set_index(["run", "epoch"])[list(SEEN)]
    seen = found.measures.rename(columns={"loss": "subset_loss", "ahead_loss": "subset_ahead_loss"})
    table = seen.join(epochs, on=["run", "epoch"])
    rho = table.rho.astype(float)
    return table.assign(rho=rho, method=np.where(rho == 0, "SGD", "SAM"), subset=subset)


def verdicts(table):
    """At 95 % for each radius: SAM ends with a smaller top eigenvalue than SGD from the same start."""
    last = table[table.epoch == table.epoch.max()].set_index(["rho", "seed"])
    out = {}
    for rho in sorted(set(table.rho) - {0.0}):
        found = sign_test(last.lambda_1[rho], last.lambda_1[0.0], 0.95)
        both = last.loc[[0.0, rho]]
        out[f"rho={rho:g}"] = found | {
            "hypotheses": {
                "every eigenvalue is known to a thousandth": bool(np.all(both.certified)),
                "all nets have learned their digits": bool(np.all(both.subset_loss < FITTED)),
            }
        }
    return out


if __name__ == "__main__":
    from experiments.__main__ import main

    sys.exit(main(["digits_sam", *sys.argv[1:]]))
