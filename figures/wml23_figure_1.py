"""Five methods from one start in the plane (x_1, x_2), over the contours of what each of them lowers."""

import matplotlib.pyplot as plt
import numpy as np

from figures.style import METHOD, METHOD_DASH, ORDER

LIGHT, SHORT = "#e2e2e2", (0, (2.2, 1.4))
LOOK = {
    "SAM": (METHOD["n-SAM"], "-", 2.6, 0.55, "SAM, full batches"),
    "worst": (METHOD["n-SAM"], SHORT, 1.2, 1.0, "descent, worst direction"),
    "1-SAM": (METHOD["1-SAM"], METHOD_DASH["1-SAM"], 0.7, 0.25, "1-SAM, {runs} runs"),
    "average": (ORDER[0.75], SHORT, 1.6, 1.0, "descent, average direction"),
}
PANELS = {
    "F_1": ("$2F_1$, the largest eigenvalue", ("SAM", "worst")),
    "F_1 + F_2": ("$2F_1 + 2F_2$, the trace", ("1-SAM", "average")),
    "F_2": ("$2F_2$, the least positive eigenvalue", ("ascent",)),
}
ASCENT = (METHOD["5-SAM"], ("-", SHORT, (0, (1, 1))))


def draw(table):
    figure, axes = plt.subplots(1, 3, figsize=(10.2, 3.9), sharex=True, sharey=True)
    grid, aims = table[table.kind == "grid"], table[table.kind == "aim"].set_index("method")
    paths = table[table.kind == "path"]
    for axis, (goal, (title, methods)) in zip(axes, PANELS.items(), strict=True):
        contours(axis, grid, goal)
        for method in methods:
            rows = paths[paths.method == method]
            if method == "ascent":
                ascent(axis, rows)
            else:
                runs(axis, rows, *LOOK[method])
        begun = paths.iloc[0]
        axis.plot(begun.x1, begun.x2, "o", ms=6, mfc="white", mec="black", mew=1.1, zorder=5)
        axis.annotate("start", (begun.x1, begun.x2), xytext=(7, 4), textcoords="offset points", fontsize=8)
        least = aims.loc[goal]
        axis.plot(
            least.x1, least.x2, "*", ms=13, mfc="white", mec="black", mew=1.0, zorder=5, label="least value"
        )
        if "1-SAM" in methods:
            moved = aims.loc["1-SAM"]
            axis.plot(moved.x1, moved.x2, "D", ms=5.5, mfc="white", mec="black", mew=1.0, zorder=6)
            axis.plot([], [], "D", ms=5.5, mfc="white", mec="black", label="predicted at this step")
        axis.set(title=title, xlabel="$x_1$", aspect="equal")
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.19), ncols=1, handlelength=2.6)
    axes[0].set_ylabel("$x_2$")
    return figure


def contours(axis, grid, goal):
    side = int(np.sqrt(len(grid)))
    x1, x2 = (grid[name].to_numpy().reshape(side, side) for name in ("x1", "x2"))
    height = sum(grid[name].to_numpy() for name in goal.split(" + ")).reshape(side, side)
    # as many on equal steps of the distance to the least value as of its square
    levels = height.min() + (height.max() - height.min()) * np.linspace(0, 1, 13)[1:-1] ** 1.7
    axis.contour(x1, x2, height, levels=levels, colors=LIGHT, linewidths=0.8)


def runs(axis, rows, colour, dash, width, alpha, label):
    text = label.format(runs=rows.run.nunique())
    for run, each in rows.groupby("run"):
        axis.plot(each.x1, each.x2, color=colour, ls=dash, lw=width, alpha=alpha)
        end = each.iloc[-1]
        size = 3 if rows.run.nunique() > 1 else 6
        axis.plot(end.x1, end.x2, "o", ms=size, color=colour, mew=0, alpha=max(alpha, 0.7), zorder=4)
        if run == 0:
            axis.plot([], [], color=colour, ls=dash, lw=max(width, 1.2), alpha=max(alpha, 0.7), label=text)


def ascent(axis, rows):
    colour, dashes = ASCENT
    for (gamma, each), dash in zip(rows.groupby("gamma"), dashes, strict=False):
        text = rf"descent, ascent direction, $\gamma = 1/{1 / gamma:g}$"
        axis.plot(each.x1, each.x2, color=colour, ls=dash, lw=1.6, label=text)
        axis.plot(each.x1.iloc[-1], each.x2.iloc[-1], "o", ms=6, color=colour, zorder=4)
