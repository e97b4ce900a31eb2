"""The two-cycle of SAM on a quadratic: in the plane, against steps, and over the stable range of the step."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND, ORDER

PARITY = {"even": ORDER[1.0], "odd": ORDER[0.0]}
SHADES = matplotlib.colormaps["viridis"]
PREDICTED = (0, (3, 1.8))


def draw(table):
    figure, axes = plt.subplots(2, 3, figsize=(10.2, 6.2))
    kinds = dict(tuple(table.groupby("kind")))
    for axis, (reach, rows) in zip(axes[0], kinds["plane"].groupby("reach"), strict=True):
        plane(axis, reach, rows, kinds["level"])
    axes[0, 0].set_ylabel(r"along $v_1$")
    reaches = kinds["run"].reach.unique()
    shade = dict(zip(reaches, SHADES(np.linspace(0.0, 0.9, len(reaches))), strict=True))
    sizes(axes[1, 0], kinds["run"], shade)
    tangents(axes[1, 1], kinds["run"][kinds["run"].reach < 2], shade)
    ends(axes[1, 2], kinds["cycle"])
    return figure


def plane(axis, reach, rows, levels):
    for _, line in levels.groupby("loss"):
        axis.plot(line.across, line.along, color="#CFCFCF", lw=0.7, zorder=0)
    axis.plot(rows.across, rows.along, color="#9A9A9A", lw=0.6, zorder=1)
    for name, first in (("even", 0), ("odd", 1)):
        every = rows[rows.step % 2 == first]
        axis.scatter(
            every.across, every.along, s=15, color=PARITY[name], lw=0, zorder=2, label=f"{name} steps"
        )
    radius = rows.radius.iloc[0]
    for sign in (1, -1):
        axis.plot(0, sign * radius, "o", ms=9, mfc="none", mec=BOUND, mew=1.0, zorder=3)
    high = 1.2 * rows.along.abs().max()
    axis.set(xlim=(-1.0, 5.0), ylim=(-high, high), xlabel=r"along $v_2$")
    axis.set_title(rf"$\gamma\lambda_1 = {reach:g}$;  circles: $\pm c_1v_1$, $c_1 = {radius:.3g}\,\rho$")
    if reach == rows.reach.min() and reach < 1:
        axis.legend(loc="lower right", handletextpad=0.2)


def sizes(axis, runs, shade):
    last = 150
    for reach, rows in runs.groupby("reach"):
        axis.plot(rows.step, rows["size"], color=shade[reach])
        axis.plot(rows.step, rows.predicted, color=BOUND, ls=PREDICTED, lw=0.9, zorder=3)
        at = (last, rows["size"][rows.step == min(last, rows.step.max())].iloc[0])
        name = rf"$\gamma\lambda_1 = {reach:g}$"
        axis.annotate(
            name, at, xytext=(0, 3), textcoords="offset points", ha="right", fontsize=8, color=shade[reach]
        )
    axis.set(yscale="log", xlim=(0, last), ylim=(0.05, 600), xlabel="step", ylabel=r"$\|w_t\|\,/\,\rho$")
    axis.set_title(r"distance; dashes: $c_1$, and $2\rho$ a step")


def tangents(axis, runs, shade):
    for reach, rows in runs.groupby("reach"):
        label = rf"${reach:g}$,  $q = {rows.rate.iloc[0]:.3f}$"
        axis.plot(rows.step, rows.tangent, color=shade[reach], label=label)
        line = rows[rows.predicted_tangent > 1e-14]
        axis.plot(line.step, line.predicted_tangent, color=BOUND, ls=PREDICTED, lw=0.9, zorder=3)
    axis.set(yscale="log", xlim=(0, 400), ylim=(1e-17, 1e5), xlabel="step")
    axis.set(ylabel=r"$\tan\angle(w_t, v_1)$")
    axis.set_title(r"alignment, down to rounding; dashes: $q^t$")
    axis.legend(title=r"$\gamma\lambda_1$ and the predicted $q$", loc="upper right", borderaxespad=0)


def ends(axis, cycle):
    for found, claimed, name, colour in (
        ("loss", "predicted_loss", r"$\mathcal{L}$ on the cycle", ORDER[1.0]),
        ("rise", "predicted_rise", r"$R^{\mathrm{Max}}_\rho$ on the cycle", ORDER[0.5]),
    ):
        axis.plot(cycle.reach, cycle[claimed], color=colour, lw=1.2)
        axis.plot(cycle.reach, cycle[found], "o", ms=3.6, mfc="white", color=colour, mew=1.0, label=name)
    axis.plot(cycle.reach, cycle.limit_rise, color=BOUND, ls=":", label=r"$\rho^2\lambda_1/2$")
    axis.set(yscale="log", xlabel=r"$\gamma\lambda_1$", ylabel=r"over $\rho^2\lambda_1$", xlim=(0, 2))
    axis.set_title("lines: closed forms; circles: runs")
    axis.legend(loc="upper left")
