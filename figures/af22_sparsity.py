"""Sparsity on random regressions: l1 norm and error over gradient descent's, and where alpha shrinks."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from figures.style import BOUND, METHOD

COLOUR = {"n-SAM": METHOD["n-SAM"], "1-SAM": METHOD["1-SAM"], "even": "#009E73"}
MARK = {"n-SAM": "^", "1-SAM": "o", "even": "s"}
TEXT = {"even": "n-SAM, evened"}


def draw(table):
    exact = table[(table.order == "exact") & (table.rho == table.rho.max())]
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.6), width_ratios=(1.3, 1))
    solutions(axes[0], exact)
    ratios(axes[1], exact)
    return figure


def solutions(axis, exact):
    for method, rows in exact.groupby("method", sort=False):
        fewer, closer = (rows.l1_ratio < 1).sum(), (rows.error_ratio < 1).sum()
        text = f"{TEXT.get(method, method)}: {fewer}, {closer}"
        axis.plot(
            rows.l1_ratio,
            rows.error_ratio,
            MARK[method],
            ms=3.6,
            color=COLOUR[method],
            alpha=0.75,
            mew=0,
            label=text,
        )
    for line in (axis.axhline, axis.axvline):
        line(1, color=BOUND, lw=0.8, ls=":")
    axis.set(xlabel="l1 norm over gradient descent's", ylabel="error over gradient descent's", yscale="log")
    axis.set_ylim(0.4, 4)
    axis.set_yticks([0.5, 1, 2], ["0.5", "1", "2"])
    axis.minorticks_off()
    axis.set_title(rf"solutions at $\rho = {exact.rho.iloc[0]:g}$, one mark a problem")
    axis.legend(loc="lower right", title=f"of {len(rows)} lower: norm, error", title_fontsize=8)


def ratios(axis, exact):
    bins = np.geomspace(0.8, 25, 36)
    for method in ("1-SAM", "n-SAM"):
        rows = exact[exact.method == method]
        axis.hist(rows.support_ratio, bins, color=COLOUR[method], alpha=0.7, label=method)
    axis.axvline(1, color=BOUND, lw=0.8, ls=":")
    axis.set(xscale="log", xlabel="shrinkage on the true support over that elsewhere", ylabel="problems")
    axis.set_xticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    axis.minorticks_off()
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_title(r"mean of $\log(\alpha / \alpha_{\mathrm{eff}})$")
    axis.legend()
