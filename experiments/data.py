"""Real data bundled with scikit-learn, standardised: every column of mean 0 and variance 1."""

import numpy as np

from experiments.record import Refused


def load(name):
    """(a, b): diabetes, 442 x 10 with its measured progression; breast_cancer, 569 x 30 with labels -1 and 1.

    The columns are those measured, without the bundle's own scaling.
    """
    if name not in ("diabetes", "breast_cancer"):
        raise Refused(f"no data set named {name!r}; there are diabetes and breast_cancer")
    from sklearn import datasets

    if name == "diabetes":
        a, b = datasets.load_diabetes(return_X_y=True, scaled=False)
    else:
        a, b = datasets.load_breast_cancer(return_X_y=True)
        b = 2.0 * b - 1
    return standard(a), b


def standard(x):
    """Mean 0 and variance 1, column by column."""
    x = np.asarray(x, dtype=float)
    return (x - x.mean(0)) / x.std(0)
