"""What SAM of p = 1, 2 and inf lowers: the curvatures that their inner maxima see, and the test loss."""

import matplotlib.pyplot as plt

from figures.style import METHOD, NORM, NORM_DASH

CURVATURE = {
    "1": r"$\max_i H_{ii}$" + "\nfor $p=1$",
    "2": r"$\lambda_1$" + "\nfor $p=2$",
    "inf": r"$\max_s\, s^\top\! H s$" + "\n" + r"for $p=\infty$",
}


def name(p):
    return r"$p=\infty$" if p == "inf" else rf"$p={p}$"


def draw(table):
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.3), width_ratios=(1.35, 1, 1))
    last = table[table.step == table.step.max()].set_index(["method", "seed"])
    for k, p in enumerate(NORM):
        for place, curvature in enumerate(CURVATURE):
            column = last[f"curvature {curvature}"]
            ratio = (column[f"p = {p}"] / column["GD"]).sort_values()
            x = place + 0.24 * (k - 1)
            low, middle, high = ratio.quantile([0.25, 0.5, 0.75])
            axes[0].plot([x] * len(ratio), ratio, "o", ms=3, mew=0, alpha=0.35, color=NORM[p])
            axes[0].plot([x, x], [low, high], color=NORM[p], lw=4, alpha=0.6, solid_capstyle="butt")
            label = f"SAM, {name(p)}" if place == 0 else None
            axes[0].plot([x - 0.09, x + 0.09], [middle] * 2, color=NORM[p], lw=2, label=label)
    axes[0].axhline(1, color=METHOD["GD"], lw=0.7, ls=":")
    axes[0].set_xticks(range(3), CURVATURE.values())
    axes[0].set(title="curvature at the end over that of GD", yscale="log")
    ticks = (0.5, 0.7, 1, 1.4, 2, 2.8)
    axes[0].set_yticks(ticks, map(str, ticks))
    axes[0].minorticks_off()
    over_time(axes[1], table, {p: f"curvature {p}" for p in NORM})
    over_time(axes[2], table, dict.fromkeys(NORM, "test"))
    axes[1].set_title("its own curvature over that of GD")
    axes[2].set_title("test loss over that of GD")
    handles, labels = axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def over_time(axis, table, columns):
    """Medians and quartiles over the nets."""
    paths = table.set_index(["method", "step", "seed"])
    for p, column in columns.items():
        band = (paths[column][f"p = {p}"] / paths[column]["GD"]).groupby("step").quantile([0.25, 0.5, 0.75])
        band = band.unstack()
        axis.fill_between(band.index, band[0.25], band[0.75], color=NORM[p], alpha=0.15, lw=0)
        axis.plot(band.index, band[0.5], color=NORM[p], ls=NORM_DASH[p], label=f"SAM, {name(p)}")
    axis.axhline(1, color=METHOD["GD"], lw=0.7, ls=":")
    axis.set(xscale="log", xlabel="step")
