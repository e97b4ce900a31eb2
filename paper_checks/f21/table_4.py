"""With wrong labels SAM is far above SGD, and above every method of Table 4 but MentorMix.

The numbers are the paper's own (published.toml). Each claim is a comparison at 20, 40, 60 and 80 % of
wrong labels; `measured` is the largest excess of its smaller side, at most 0.

"On par with MentorMix" is read as: at every share of wrong labels SAM with bootstrapping is nearer to
MentorMix than any other earlier method is. No margins are printed, so nothing is said about chance.

Controls: other methods in the place of those named, and dials on a side.
"""

import numpy as np

from paper_checks import published
from paper_checks.ledger import rounding
from paper_checks.published import Comparison

SHARES = ("20", "40", "60", "80")


def cases():
    table = published.tables("f21")["table_4"].values
    own = table[table["run by"] == "F21"].set_index("method")[list(SHARES)]
    earlier = table[table["run by"] == "others"].set_index("method")[list(SHARES)]
    sam, sgd, both = (own.loc[name].to_numpy() for name in ("SAM", "SGD", "Bootstrap + SAM"))
    mentor, rest = (
        earlier.loc["MentorMix (2019)"].to_numpy(),
        earlier.drop("MentorMix (2019)").max().to_numpy(),
    )
    mixup = own.loc["Bootstrap + Mixup"].to_numpy()
    return {
        "SAM has less than half the errors of SGD": Comparison(
            2 * (100 - sam),
            100 - sgd,
            {
                "the methods exchanged": (2 * (100 - sgd), 100 - sam),
                "less than a larger share": lambda factor: (2 * factor * (100 - sam), 100 - sgd),
            },
        ),
        "SAM is above SGD and both kinds of Mixup": Comparison(
            own.drop(["SAM", "Bootstrap + SAM"]).max().to_numpy(),
            sam,
            {"bootstrapped Mixup in its place": (sam, mixup)},
        ),
        "bootstrapping improves SAM": Comparison(sam, both, {"exchanged": (both, sam)}),
        "label_noise_robustness: SAM is above every earlier method but MentorMix": Comparison(
            rest,
            sam,
            {
                "MentorMix too": (np.maximum(rest, mentor), sam),
                "SGD in its place": (rest, sgd),
                "bootstrapped Mixup in its place": (rest, mixup),
                "the others a little better": lambda factor: (factor * rest, sam),
            },
        ),
        "label_noise_robustness: with bootstrapping it is nearer to MentorMix than they are": Comparison(
            np.abs(both - mentor),
            mentor - rest,
            {
                "bootstrapped Mixup in its place": (np.abs(mixup - mentor), mentor - rest),
                "a larger distance": lambda factor: (factor * np.abs(both - mentor), mentor - rest),
            },
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
