"""The effective scale of the start, coordinate by coordinate: at the end of the flow and as predicted."""

import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND, METHOD

MARK = {"1-SAM": "o", "5-SAM": "s", "n-SAM": "^"}


def draw(table):
    figure, axes = plt.subplots(1, 3, figsize=(10.2, 3.4))
    drop = -table.log_ratio
    for axis, kind, title in (
        (axes[0], "exact", "exact, along the flow"),
        (axes[1], "leading", "first order, along gradient flow"),
    ):
        ends = np.array([drop.min() / 1.6, drop.max() * 1.6])
        axis.plot(ends, ends, color=BOUND, lw=0.8)
        for method, rows in table.groupby("method"):
            axis.plot(
                -rows[kind],
                -rows.log_ratio,
                MARK[method],
                ms=3.2,
                mew=0.5,
                mfc="none",
                color=METHOD[method],
                label=method,
            )
        axis.set(xscale="log", yscale="log", xlabel=r"predicted $\log(\alpha/\alpha_{\mathrm{eff}})$")
        axis.set_title(title)
    axes[0].set_ylabel(r"at the end, $\log(\alpha/\alpha_{\mathrm{eff}})$")
    axes[0].legend(loc="upper left", handlelength=1)
    one = table[np.isclose(table.rho, table.rho.min())]
    for method, rows in one.groupby("method"):
        rows = rows.sort_values("coordinate")
        axes[2].plot(rows.coordinate + 1, -rows.log_ratio, MARK[method], ms=3.2, color=METHOD[method], lw=0)
    support = one.coordinate[one.support].max() + 1.5
    axes[2].axvspan(0.5, support, color="#009E73", alpha=0.12, lw=0)
    axes[2].set(
        yscale="log", xlabel="coordinate (shaded: of the target)", xlim=(0.5, one.coordinate.max() + 1.5)
    )
    axes[2].set_title(rf"$\log(\alpha/\alpha_{{\mathrm{{eff}}}})$ at $\rho = {table.rho.min():g}$")
    return figure
