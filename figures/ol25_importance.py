"""Uniform against importance sampling: exact line, sampled band, their distance, and the bounds."""

import matplotlib.pyplot as plt

from figures.style import BOUND, DASH, colour, label


def draw(table):
    figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.1))
    start = table.gap[table.step == 0].iloc[0]
    for (lam, name), rows in table.groupby(["lam", "sampling"]):
        sampled = rows[rows.kind == "sampled"]
        band = sampled.groupby("step").gap.quantile([0.0, 0.5, 1.0]).unstack() / start
        axes[0].fill_between(band.index, band[0.0], band[1.0], color=colour(lam), alpha=0.25, lw=0)
        axes[0].plot(band.index, band[0.5], ls=DASH[name], color=colour(lam), label=f"{name}, {label(lam)}")
        one = sampled[sampled.path == 0]
        axes[2].plot(one.step, one.bound / start, ls=DASH[name], color=colour(lam), lw=1.0)
        axes[2].plot(one.step, one.bound_b / start, ls=DASH[name], color=colour(lam), lw=2.4, alpha=0.45)
        exact = rows[rows.kind == "exact"]
        if len(exact):
            line = exact.set_index("step").gap
            axes[0].plot(
                line.index, line / start, color="black", lw=0.8, ls=DASH[name], label=f"{name}, exact mean"
            )
            share = sampled.set_index("step").gap / line.reindex(sampled.step).to_numpy() - 1
            spread = share.groupby(level=0).quantile([0.0, 0.5, 1.0]).unstack()
            axes[1].fill_between(spread.index, spread[0.0], spread[1.0], color=colour(lam), alpha=0.2, lw=0)
            axes[1].plot(spread.index, spread[0.5], ls=DASH[name], color=colour(lam), label=name)
    axes[0].set(yscale="log", xlabel="step", ylabel=r"$(f(w_t) - f^\star)\,/\,(f(w_0) - f^\star)$")
    axes[0].set_title("sampled paths (range, median)")
    axes[1].axhline(0, color="black", lw=0.8)
    axes[1].set(xlabel="step", ylabel="relative deviation")
    axes[1].set_title(r"paths against the exact mean, $\lambda = 0$")
    axes[1].legend(loc="upper left")
    axes[2].set(yscale="log", xlabel="step")
    axes[2].set_title("bounds; thick: form B, same steps", color=BOUND)
    for axis in axes:
        axis.ticklabel_format(axis="x", style="sci", scilimits=(0, 0))
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", handlelength=2.2)
    return figure
