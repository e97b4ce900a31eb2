"""SAM's two steps on a valley, and the loss around the ends of descent and of SAM."""

import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND, METHOD, METHOD_DASH

COLOUR = {"GD": METHOD["GD"], "SAM": METHOD["1-SAM"]}
DASH = {"GD": METHOD_DASH["SGD"], "SAM": "-"}
STEPS = 3  # drawn with their ascents


def draw(table):
    figure, axes = plt.subplots(2, 3, figsize=(10.5, 6.4))
    on_valley(axes[0, 0], table)
    two_steps(axes[0, 1], table)
    over_steps(axes[0, 2], table[table.kind == "path"])
    around = table[table.kind == "around"]
    levels = np.geomspace(around.loss.quantile(0.005), around.loss.max(), 16)
    tops = table[table.kind == "ends"].set_index(["method", "seed"]).top
    for axis, (method, rows) in zip(axes[1], around.groupby("method"), strict=False):
        a, b, loss = surface(rows)
        axis.contourf(a, b, loss, levels=levels, cmap="viridis_r", norm="log", extend="both")
        axis.contour(a, b, loss, levels=levels, colors="white", linewidths=0.4)
        axis.set_facecolor(plt.get_cmap("viridis_r")(0.0))
        axis.plot(0, 0, "o", ms=4, color="white", mec=COLOUR[method])
        title = rf"around the end of {method}, $\lambda_1 = {tops[method, 0]:.2g}$"
        axis.set(xlabel="along $v_1$", ylabel="along $v_2$", title=title, aspect="equal")
    between(axes[1, 2], table)
    return figure


def surface(rows):
    grid = rows.pivot(index="y", columns="x", values="loss")
    return grid.columns, grid.index, grid.to_numpy()


def valley(axis, table):
    x, y, loss = surface(table[table.kind == "valley"])
    axis.contour(x, y, loss, levels=np.geomspace(1e-3, loss.max(), 14), colors="#BBBBBB", linewidths=0.6)
    axis.axhline(0, color="#BBBBBB", lw=1)
    axis.set(xlabel="$x$", ylabel="$y$", xlim=(x.min(), x.max()), ylim=(y.min(), y.max()))


def on_valley(axis, table):
    valley(axis, table)
    for method, rows in table[table.kind == "path"].groupby("method"):
        style = {"color": COLOUR[method], "ls": DASH[method]}
        axis.plot(rows.x, rows.y, marker="o", ms=2.5, lw=0.9, label=method, **style)
    axis.set_title(r"$f = (1+x^2)\,y^2/2$: the floor is flattest at $x=0$")
    axis.legend(loc="upper left")


def two_steps(axis, table):
    """Up to B, back to A, and from A along the slope at B."""
    valley(axis, table)
    paths = table[table.kind == "path"]
    sam = paths[paths.method == "SAM"].iloc[: STEPS + 1]
    up = {"arrowstyle": "->", "color": METHOD["n-SAM"], "ls": "--", "shrinkA": 0, "shrinkB": 0}
    down = {"arrowstyle": "->", "color": COLOUR["SAM"], "lw": 1.4, "shrinkA": 0, "shrinkB": 0}
    for k in range(STEPS):
        here, following = sam.iloc[k], sam.iloc[k + 1]
        axis.annotate("", (here.ahead_x, here.ahead_y), (here.x, here.y), arrowprops=up)
        axis.annotate("", (following.x, following.y), (here.x, here.y), arrowprops=down)
        axis.plot(here.x, here.y, "o", ms=4, color=COLOUR["SAM"])
        axis.plot(here.ahead_x, here.ahead_y, "o", ms=4, mfc="white", color=METHOD["n-SAM"])
    first = sam.iloc[0]
    axis.annotate("A", (first.x, first.y), (5, -3), textcoords="offset points", fontweight="bold")
    axis.annotate("B", (first.ahead_x, first.ahead_y), (5, -3), textcoords="offset points", fontweight="bold")
    axis.set_title("SAM: up to B, then from A by the slope at B")


def over_steps(axis, paths):
    for method, rows in paths.groupby("method"):
        axis.plot(rows.step, 1 + rows.x**2, color=COLOUR[method], ls=DASH[method], label=method)
    axis.set(xlabel="step", title=r"curvature $1+x^2$ across the floor")
    axis.set_ylim(bottom=0.95)
    axis.legend(loc="upper right")


def between(axis, table):
    line = table[table.kind == "between"]
    axis.plot(line.share, line.loss, color=BOUND)
    for share, method in ((0.0, "GD"), (1.0, "SAM")):
        end = line.iloc[(line.share - share).abs().argmin()]
        axis.plot(share, end.loss, "o", ms=6, color=COLOUR[method], label=method)
    axis.set(
        yscale="log", xlabel="share of the way from GD to SAM", title="loss on the line through both ends"
    )
    axis.legend(loc="lower center")
    axis.set_ylim(top=300 * line.loss.max())
    inset = axis.inset_axes((0.36, 0.62, 0.3, 0.28))
    tops = table[table.kind == "ends"].pivot(index="seed", columns="method", values="top")
    for _, pair in tops.iterrows():
        inset.plot([0, 1], [pair.GD, pair.SAM], color=BOUND, lw=0.6, marker="o", ms=2)
    inset.set_xticks([0, 1], ["GD", "SAM"], fontsize=7)
    inset.tick_params(axis="y", labelsize=7)
    inset.set_title(rf"$\lambda_1$, {len(tops)} nets", fontsize=7)
    inset.set(xlim=(-0.3, 1.3))
    inset.set_ylim(bottom=0)
