"""ASAM's numbers, as told by others, beside those of F21: label noise, and PyramidNet.

The paper was not at hand; its numbers are those of published.toml with the provenance given there. `measured`
is the largest excess of the smaller side of a comparison, at most 0.

    up to 60 %      ASAM's accuracy is the largest of the three
    at 80 %         SAM's is, and ASAM's the smallest: behind SGD too
    two tables      SGD, on the same net and data, is far higher in ASAM's table than in F21's at every share
                    of wrong labels, and the more the more there are: ASAM's takes the largest accuracy of a
                    run, F21's does not say which
    SAM's lead      over SGD is in ASAM's table less than a fifth of that in F21's

    asam_pyramidnet  the errors are below the least that F21 prints of PyramidNet with SAM, ShakeDrop and AA

Controls: the methods exchanged, another share of wrong labels, the neighbouring column.
"""

import numpy as np

from paper_checks import published
from paper_checks.ledger import rounding
from paper_checks.published import Comparison


def cases():
    tables = published.tables("f21")
    noise = tables["asam_label_noise"].values.set_index("noise")
    sgd, sam, asam = (noise[name].to_numpy() for name in ("SGD", "SAM", "ASAM"))
    last = tables["table_4"].values.set_index("method").loc[["SGD", "SAM"], ["20", "40", "60", "80"]]
    last_sgd, last_sam = last.to_numpy().astype(float)
    gap, sam_gap = sgd[1:] - last_sgd, sam[1:] - last_sam
    lead, last_lead = sam[1:] - sgd[1:], last_sam - last_sgd
    best = np.maximum(sgd, sam)
    out = {
        "ASAM leads up to 60 %": Comparison(
            best[:-1], asam[:-1], {"SAM in its place": (asam[:-1], sam[:-1]), "at 80 % too": (best, asam)}
        ),
        "SAM leads at 80 % and ASAM is last": Comparison(
            np.array([sgd[-1], asam[-1]]),
            np.array([sam[-1], sgd[-1]]),
            {"at 60 %": (np.array([sgd[-2], asam[-2]]), np.array([sam[-2], sgd[-2]]))},
        ),
        "two tables, SGD": Comparison(last_sgd, sgd[1:], {"SAM": (last_sam, sam[1:])}),
        "two tables, the more the more noise": Comparison(
            gap[:-1], gap[1:], {"SAM": (sam_gap[:-1], sam_gap[1:])}
        ),
        "SAM's lead is less than a fifth": Comparison(
            5 * lead,
            last_lead,
            {
                "exchanged": (5 * last_lead, lead),
                "a smaller share": lambda factor: (5 * factor * lead, last_lead),
            },
        ),
    }
    nets = tables["table_1"].values
    drop = nets[(nets["model"] == "PyramidNet+ShakeDrop") & (nets["augmentation"] == "AA")].iloc[0]
    errors = 100 - tables["asam_pyramidnet"].values["ASAM"].to_numpy()
    least = np.array([drop["SAM C10"], drop["SAM C100"]], float)
    out["asam_pyramidnet: below F21's least errors"] = Comparison(
        errors,
        least,
        {"exchanged": (least, errors), "a little larger": lambda factor: (factor * errors, least)},
    )
    return out


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
