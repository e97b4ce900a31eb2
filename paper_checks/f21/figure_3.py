"""Hessian spectra of SGD and SAM, as written in the panels of Figure 3, and the text beside them.

    the text        its numbers, about 24 and 1.0, 11.4 and 2.6, are those of the panels at epoch 300
    top             lambda_1 is smaller with SAM at all three epochs, more than 20 times at the end
    ratio           lambda_1 / lambda_5 is smaller with SAM at the end; before, at epochs 1 and 50, it is
                    larger, so that "up to 2.6 with SAM" holds of the end alone: 3.6 at epoch 1
    figure_3_steps  300 steps, as the text has it, cannot be: epoch 50 of a panel ends after 50 x 195 steps
                    (50,000 examples in batches of 256, as everywhere on CIFAR); 300 epochs, the last
                    panel, are long enough

`measured` is the largest excess of the smaller side, at most 0. Controls: the methods, the epochs
exchanged.
"""

import numpy as np

from paper_checks import published
from paper_checks.ledger import rounding
from paper_checks.published import Comparison

EXAMPLES, BATCH = 50_000, 256
TOLD = {"SGD top": 24, "SGD ratio": 11.4, "SAM top": 1.0, "SAM ratio": 2.6}


def cases():
    table = published.tables("f21")["figure_3"].values.set_index("epoch")
    sgd, sam, wide, narrow = (
        table[name].to_numpy() for name in ("SGD top", "SAM top", "SGD ratio", "SAM ratio")
    )
    told, half = np.array(list(TOLD.values())), np.array([0.5, 0.05, 0.05, 0.05])
    ends = table[list(TOLD)].to_numpy()
    an_epoch = EXAMPLES // BATCH
    return {
        "the text": Comparison(
            np.abs(ends[-1] - told),
            half,
            {f"epoch {epoch:g}": (np.abs(ends[k] - told), half) for k, epoch in enumerate(table.index[:-1])},
        ),
        "top": Comparison(
            sam,
            sgd,
            {"the methods exchanged": (sgd, sam), "larger": lambda factor: (factor * sam, sgd)},
        ),
        "top, 20 times at the end": Comparison(
            20 * sam[-1:],
            sgd[-1:],
            {
                "at epoch 50": (20 * sam[1:2], sgd[1:2]),
                "more times": lambda factor: (20 * factor * sam[-1:], sgd[-1:]),
            },
        ),
        "ratio, at the end": Comparison(
            narrow[-1:],
            wide[-1:],
            {"at all epochs": (narrow, wide), "larger": lambda factor: (factor * narrow[-1:], wide[-1:])},
        ),
        "ratio, before": Comparison(
            np.append(wide[:-1], narrow[-1]),
            np.append(narrow[:-1], narrow[0]),
            {"the methods exchanged": (narrow[:-1], wide[:-1])},
        ),
        "figure_3_steps: epoch 50 is later": Comparison(
            np.array([300.0]),
            np.array([50.0 * an_epoch]),
            {"300 epochs": (np.array([300.0 * an_epoch]), np.array([50.0 * an_epoch]))},
        ),
    }


def hypotheses(case):
    return published.complete(case)


def measured(case):
    return published.excess(case)


def bound(case):
    return 0.0


def tolerance(case):
    return rounding(case.low, case.high)


def controls(case):
    return published.falsified(case)
