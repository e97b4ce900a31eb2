"""Three sharpness penalties over the square of the radius, their limits, and how fast they tend to them."""

import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND, NOTION, NOTION_DASH

TITLE = {"curved": "a loss that curves", "net": "a small net"}
LIMIT = {  # and how many points its label stands above the line
    "worst": (r"$\lambda_1/2$", -10),
    "ascent": (r"$\lambda_M/2$", 2),
    "average": (r"$\mathrm{Tr}/2D$", 2),
    "worst, samples": (r"$\mathrm{Tr}/2$", 2),
}
LARGEST = 0.2  # radius up to which the errors are drawn


def draw(table):
    figure, axes = plt.subplots(2, 2, figsize=(9.4, 6.4))
    for (left, right), (loss, rows) in zip(axes, table.groupby("loss", sort=False), strict=False):
        for name, of in rows.groupby("notion", sort=False):
            notion, _, whose = name.partition(", ")
            line = {"color": NOTION[notion], "ls": NOTION_DASH[whose or "whole"]}
            left.plot(of.rho, of.value, **line, label=name.replace(", samples", ", mean over samples"))
            if name in LIMIT:
                left.axhline(of.limit.iloc[0], color=BOUND, lw=0.7, ls=":", zorder=0)
                text, above = LIMIT[name]
                at = (0.015, of.limit.iloc[0])
                left.annotate(
                    text,
                    at,
                    (0, above),
                    xycoords=("axes fraction", "data"),
                    textcoords="offset points",
                    color=BOUND,
                    fontsize=8,
                )
            near = of[of.rho <= LARGEST]
            right.plot(near.rho, near.error, **line)
            some = near[near.predicted.notna()]
            right.plot(
                some.rho[::2], some.predicted[::2], "o", ms=3, mfc="none", mew=0.7, color=line["color"]
            )
        left.set(xscale="log", yscale="log", ylabel=r"$R_\rho/\rho^2$", title=TITLE[loss])
        right.set(
            xscale="log", yscale="log", ylabel=r"distance of $R_\rho/\rho^2$ to its limit", title=TITLE[loss]
        )
        slopes(right)
    for axis in axes[-1]:
        axis.set_xlabel(r"radius $\rho$")
    axes[1, 0].legend(loc="center left", bbox_to_anchor=(0.0, 0.42))
    axes[0, 1].plot([], [], "o", ms=3, mfc="none", mew=0.7, color=BOUND, label="expansion in $\\rho$")
    axes[0, 1].legend(loc="upper left")
    return figure


def slopes(axis):
    """Lines of slope one and two from one point, in the empty corner."""
    low, high = np.log10(axis.get_ylim())
    start, end = 10 ** np.array([-1.7, -1.0])
    bottom = 10 ** (low + 0.06 * (high - low))
    for order in (1, 2):
        top = bottom * (end / start) ** order
        axis.plot([start, end], [bottom, top], color=BOUND, lw=0.8)
        axis.annotate(
            f"slope {order}",
            (end, top),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=BOUND,
        )
