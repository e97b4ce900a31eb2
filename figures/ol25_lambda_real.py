"""The gap of full-batch Unified SAM on real data for values of lam, with the bound of each."""

import matplotlib.pyplot as plt

from figures.style import colour, label

ROUNDING = 1e-15  # of f - f* where f is not quadratic; below it a curve says nothing


def draw(table):
    panels = list(table.groupby(["data", "loss", "weight"], sort=False))
    figure, axes = plt.subplots(1, len(panels), figsize=(9.6, 3.1), sharey=True, squeeze=False)
    for axis, ((data, loss, weight), panel) in zip(axes[0], panels, strict=True):
        for lam, rows in panel.groupby("lam"):
            axis.plot(rows.step, rows.relative_gap, color=colour(lam), label=label(lam))
            axis.plot(rows.step, rows.relative_bound, color=colour(lam), lw=0.7, alpha=0.8)
            if rows.relative_cycle.iloc[0] > 0:
                axis.axhline(rows.relative_cycle.iloc[0], color=colour(lam), lw=0.6, ls=":")
        axis.set(xscale="log", yscale="log", xlabel="step")
        axis.set_ylim(bottom=ROUNDING)
        axis.set_title(f"{loss}, {data}, weight {weight:.2g}")
    axes[0, 0].set_ylabel(r"$(f(w_t) - f^\star)\,/\,(f(w_0) - f^\star)$")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside right center", handlelength=1.4, title="thin: bound\ndotted: cycle"
    )
    return figure
