"""The gap of full-batch Unified SAM for values of lam: the minimum at lam = 0, a cycle for lam > 0."""

import matplotlib.pyplot as plt

from figures.style import BOUND, colour, label


def draw(table):
    figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.1), sharey=True)
    for lam, rows in table.groupby("lam"):
        ends = lam in (table.lam.min(), table.lam.max())
        axes[0].plot(
            rows.step, rows.relative_gap, color=colour(lam), lw=1.8 if ends else 1.0, label=label(lam)
        )
        if rows.relative_cycle.iloc[0] > 0:
            axes[0].axhline(rows.relative_cycle.iloc[0], color=colour(lam), lw=0.5, ls=":")
        axes[1].plot(rows.step, rows.relative_bound, color=colour(lam), lw=1.8 if ends else 1.0)
    axes[0].set(
        xscale="log", yscale="log", xlabel="step", ylabel=r"$(f(w_t) - f^\star)\,/\,(f(w_0) - f^\star)$"
    )
    axes[0].set_title("exact run; dotted: the cycle that it ends on")
    axes[1].set(xscale="log", xlabel="step")
    axes[1].set_title("its bound (Theorem 3.2)", color=BOUND)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", handlelength=1.4)
    return figure
