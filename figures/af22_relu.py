"""A ReLU network on twelve points, by plain training and by SAM: fits, and how much their slope varies."""

import matplotlib.pyplot as plt

from figures.style import BOUND

COLOUR = {"GD": "#333333", "SAM": "#D55E00"}
DASH = {"constant": "-", "decay": (0, (4, 1.6))}
MARK = {"constant": "o", "decay": "^"}
PUBLISHED = {"GD": "constant", "SAM": "decay"}


def draw(table):
    figure, axes = plt.subplots(1, 3, figsize=(10.2, 3.3), width_ratios=(1.25, 1, 1))
    fits(axes[0], table[(table.kind == "fit") & (table.start == 0)])
    curves(axes[1], table[table.kind == "time"], table[table.kind == "end"])
    kinks(axes[2], table[table.kind == "end"])
    return figure


def fits(axis, rows):
    for method, schedule in PUBLISHED.items():
        line = rows[(rows.method == method) & (rows.schedule == schedule)]
        axis.plot(line.x, line.value, color=COLOUR[method], lw=1.1, label=f"{method}, {schedule} step")
    points = line.dropna(subset="target")
    axis.plot(points.x, points.target, ":", color=BOUND, lw=0.9, label="piecewise linear")
    axis.plot(points.x, points.target, "o", ms=4.5, mfc="white", mec="black", zorder=3)
    axis.set(xlabel="$x$", ylabel="network")
    axis.set_title("the published pair, one start")
    axis.legend(loc="lower center", fontsize=7)


def curves(axis, time, end):
    for (method, schedule), rows in time.groupby(["method", "schedule"], sort=False):
        axis.fill_between(
            rows.step / 1e5, rows.variation_min, rows.variation_max, color=COLOUR[method], alpha=0.15, lw=0
        )
        axis.plot(
            rows.step / 1e5,
            rows.variation,
            ls=DASH[schedule],
            color=COLOUR[method],
            label=f"{method}, {schedule} step",
        )
    axis.axhline(end.target_variation.iloc[0], color=BOUND, lw=0.9, ls=":", label="least of an interpolant")
    axis.set(xlabel=r"step$\,/\,10^5$", ylabel=r"variation of $f^\prime$ on $[x_1, x_{12}]$")
    scale(axis)
    axis.set_title(f"median and extremes of {end.start.nunique()} starts")
    axis.legend(loc="center right", bbox_to_anchor=(1, 0.6), fontsize=7)


def kinks(axis, end):
    for (method, schedule), rows in end.groupby(["method", "schedule"], sort=False):
        axis.plot(
            rows.kinks,
            rows.variation,
            MARK[schedule],
            ms=4,
            color=COLOUR[method],
            mfc="none" if schedule == "decay" else COLOUR[method],
            label=f"{method}, {schedule} step",
        )
    axis.set(xlabel="kinks, merged")
    scale(axis)
    axis.set_title("at the end, each start")
    axis.legend(loc="center left", fontsize=7)


def scale(axis):
    axis.set(yscale="log", ylim=(60, 900))
    axis.set_yticks([70, 100, 200, 400, 800], ["70", "100", "200", "400", "800"])
    axis.minorticks_off()
