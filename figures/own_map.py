"""Where full-batch USAM contracts for every strongly convex smooth function, and what its radius buys."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FormatStrFormatter

from figures.style import BOUND, ORDER

FLOOR, CEILING = 0.02, 2.2
BOTH, ALONE, NEITHER = "#C6E0F0", "#F8DDB0", "#F1F1F1"
SHADES = matplotlib.colormaps["viridis"]


def draw(table):
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.9), width_ratios=(1.2, 1))
    kinds = dict(tuple(table.groupby("kind")))
    regions(axes[0], kinds["curve"])
    buys(axes[1], kinds["buys"])
    return figure


def regions(axis, curve):
    rho, distance = curve.rho, curve.distance.clip(lower=FLOOR)
    axis.fill_between(rho, FLOOR, distance, color=BOTH, lw=0)
    axis.fill_between(rho, distance, curve.loss, color=ALONE, lw=0)
    axis.fill_between(rho, curve.loss, CEILING, color=NEITHER, lw=0)
    axis.plot(rho, curve.balanced, color="black", lw=1.3)
    for name in ("low", "high"):
        axis.plot(rho, curve[name], color=ORDER[1.0], lw=1.1, ls=(0, (4, 1.6)))
    for text, at, colour in (
        (r"$\gamma_b$", ("balanced", 0.45, (-4, -13)), "black"),
        (r"$\gamma_c$", ("low", 3.4, (-15, -6)), ORDER[1.0]),
        (r"$\gamma_d$", ("high", 4.6, (4, 4)), ORDER[1.0]),
    ):
        column, where, shift = at
        near = curve.iloc[(rho - where).abs().argmin()]
        axis.annotate(text, (near.rho, near[column]), xytext=shift, textcoords="offset points", color=colour)
    last = rho.max()
    axis.text(0.75, 0.05, "loss and distance\nshrink for every $f$", fontsize=8.5)
    axis.text(0.98 * last, 0.045, "the loss does,\nsome distance grows", fontsize=8.5, ha="right")
    axis.text(0.98 * last, 1.0, "some loss grows", fontsize=8.5, ha="right")
    axis.set(xlim=(0, last), ylim=(FLOOR, CEILING), yscale="log", xlabel=r"$\rho L$", ylabel=r"$\gamma L$")
    axis.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_title(rf"one step, worst case at $\mu/L={curve.mu.iloc[0]:g}$")


def buys(axis, rows):
    steps = dict(tuple(rows.groupby("gamma")))
    for (gamma, of), colour in zip(steps.items(), SHADES(np.linspace(0, 0.85, len(steps))), strict=True):
        axis.plot(of.rho, of.worst_loss, color=colour, label=f"{gamma:g}")
        axis.plot(of.rho, of.worst_distance, color=colour, ls=(0, (1, 1)), lw=1.2)
        best = of.loc[of.worst_loss.idxmin()]
        if best.rho < of.rho.max():
            axis.plot(best.rho, best.worst_loss, "o", ms=4.5, mfc="white", mec=colour, mew=1.1, zorder=3)
    axis.axhline(1, color=BOUND, lw=0.7, ls=":")
    axis.set(xlim=(0, rows.rho.max()), ylim=(0.77, 1.13), xlabel=r"$\rho L$", ylabel="worst factor of a step")
    axis.set_title("lines: the loss, circles its least; dots: squared distance")
    axis.legend(title=r"$\gamma L$", loc="lower right")
