"""The worst distance factor of full-batch USAM, and the function of the plane that attains it."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND, ORDER

SHADES = matplotlib.colormaps["viridis"]
LEVELS = np.geomspace(0.02, 6, 12)


def draw(table):
    figure, axes = plt.subplots(1, 3, figsize=(10.6, 3.5), width_ratios=(1.15, 1.25, 0.9))
    kinds = dict(tuple(table.groupby("kind")))
    factors(axes[0], kinds["factor"])
    plane(axes[1], kinds)
    against_steps(axes[2], kinds["path"])
    return figure


def factors(axis, rows):
    reaches = rows.reach.unique()
    for reach, colour in zip(reaches, SHADES(np.linspace(0.0, 0.85, len(reaches))), strict=True):
        of = rows[rows.reach == reach]
        axis.plot(of.share, of.worst, color=colour, label=f"{reach:g}")
        axis.plot(of.share, of.quadratic, color=colour, ls=(0, (3, 1.8)), lw=1.0)
        made = of[of.attained.notna()].iloc[4::9]
        axis.plot(made.share, made.attained, "o", ms=3.4, mfc="white", mec=colour, mew=0.9)
    axis.axhline(1, color=BOUND, lw=0.7, ls=":")
    axis.set(xlabel=r"$\gamma\,/\,\gamma_b$", ylabel=r"worst $\|x^+\|^2/\|x\|^2$", ylim=(0.55, 1.45))
    axis.set(xlim=(rows.share.min(), rows.share.max()))
    axis.set_title("dashes: quadratics; circles: a step on the wedge")
    axis.legend(title=r"$\rho(L-\mu)$", loc="lower left", ncols=2, columnspacing=1.0)


def plane(axis, kinds):
    level = kinds["level"].pivot_table(index="y", columns="x", values="loss")
    axis.contour(level.columns, level.index, level.to_numpy(), LEVELS, colors="#C4C4C4", linewidths=0.7)
    edges = kinds["edge"].reset_index()
    for first in range(0, len(edges), 2):
        edge = edges.iloc[first : first + 2]
        axis.plot(edge.x, edge.y, color=ORDER[0.5], lw=1.2, ls=(0, (5, 2)), zorder=1)
    way = kinds["path"].iloc[:6]
    circle = np.linspace(0, 2 * np.pi, 181)
    axis.plot(np.cos(circle), np.sin(circle), color=BOUND, lw=0.7, ls=":")
    first = way.iloc[0]
    axis.plot([first.x, first.ahead_x], [first.y, first.ahead_y], color=ORDER[1.0], lw=0.9, ls=(0, (1, 1.2)))
    axis.plot(first.ahead_x, first.ahead_y, "D", ms=4.5, mfc="white", mec=ORDER[1.0], mew=1.1)
    axis.plot(way.x, way.y, "-o", color=ORDER[0.0], ms=4, lw=1.1, zorder=3)
    for name, at, shift, colour in (
        ("$x_0$", first[["x", "y"]], (6, 2), ORDER[0.0]),
        ("$x_1$", way.iloc[1][["x", "y"]], (-3, 7), ORDER[0.0]),
        (r"$x_0+\rho\nabla f(x_0)$", first[["ahead_x", "ahead_y"]], (-66, -5), ORDER[1.0]),
        ("$K$", (-1.0, -1.4), (0, 0), ORDER[0.5]),
    ):
        axis.annotate(name, tuple(at), xytext=shift, textcoords="offset points", color=colour)
    axis.plot(0, 0, "+", color="black", ms=7, mew=1.2)
    axis.set(aspect="equal", xlim=(-1.5, 3.0), ylim=(-1.9, 1.4))
    axis.set_title(rf"the wedge at $\rho L={first.rho:g}$, $\mu/L={first.mu:g}$, $\gamma_b$")


def against_steps(axis, way):
    axis.plot(way.step, way.distance, "-s", color=ORDER[1.0], ms=3.5, label=r"$\|x_t\|^2$")
    axis.plot(way.step, way.loss / way.loss.iloc[0], "-o", color=ORDER[0.0], ms=3.5, label=r"$f(x_t)/f(x_0)$")
    axis.plot(
        way.step,
        way.promised / way.promised.iloc[0],
        color=BOUND,
        ls=(0, (3, 1.8)),
        lw=1.0,
        label=r"$Q^{\,t}$",
    )
    axis.set(xlabel="step", yscale="log", xticks=range(0, int(way.step.max()) + 1, 3))
    axis.set_title("the distance grows first, the loss never")
    axis.legend(loc="lower left")
