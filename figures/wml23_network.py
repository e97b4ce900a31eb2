"""Tanh networks under SAM: angles of the gradient to the top eigenvectors, lambda_1 and trace."""

import matplotlib.pyplot as plt
import numpy as np

from figures.style import BOUND, METHOD, METHOD_DASH

ARMS = {("SAM", 4): ("n-SAM", "full-batch SAM"), ("SAM", 2): ("5-SAM", "SAM, batches of two")}
ARMS |= {("SAM", 1): ("1-SAM", "SAM, batches of one"), ("GD", 4): ("GD", "gradient descent")}
MEETS = 0.02  # of lambda_1: a smaller gap counts as closed


def draw(table):
    figure, axes = plt.subplots(2, 3, figsize=(10.2, 6.0))
    full = table[(table.method == "SAM") & (table.batch == table.batch.max())]
    fine = full[full.rho == full.rho.min()]
    closed = fine.groupby("net").gap.min() < MEETS
    turning(axes[0, 0], fine, table[table.method == "GD"], closed)
    meeting(axes[0, 1], fine, closed)
    by_radius(axes[0, 2], full, closed)
    shown = table[table.rho.isin([0.0, table.rho[table.batch < table.batch.max()].iloc[0]])]
    falling(axes[1, 0], shown, "top", r"$\lambda_1$ over its start")
    falling(axes[1, 1], shown, "trace", "trace over its start")
    by_batch(axes[1, 2], shown)
    handles, labels = axes[1, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), handlelength=2.6)
    return figure


def line(method, batch):
    name, label = ARMS[method, batch]
    return {"color": METHOD[name], "ls": METHOD_DASH[name], "label": label}


def banded(axis, rows, x, y, band=True, **style):
    """Median over the nets, and the middle four fifths."""
    shares = rows.groupby(x)[y].quantile([0.1, 0.5, 0.9]).unstack()
    if band:
        axis.fill_between(shares.index, shares[0.1], shares[0.9], color=style["color"], alpha=0.15, lw=0)
    axis.plot(shares.index, shares[0.5], **style)


def turning(axis, fine, plain, closed):
    kept = fine[~fine.net.map(closed)]
    banded(axis, kept[kept.step > 0], "step", "angle", **line("SAM", fine.batch.max()))
    banded(
        axis, plain[(plain.step > 0) & plain.angle.notna()], "step", "angle", **line("GD", fine.batch.max())
    )
    axis.axhline(np.pi / 2, color=BOUND, lw=0.7, ls=":")
    axis.set(xscale="log", yscale="log", xlabel="step", ylabel=r"angle of the gradient to $v_1$")
    axis.set_title(f"{kept.net.nunique()} nets whose gap stays open, $\\rho = {fine.rho.iloc[0]:g}$")


def meeting(axis, fine, closed):
    """The net whose gap closes first."""
    rows = fine[fine.net.map(closed)] if closed.any() else fine
    first = (
        rows[rows.gap < MEETS].groupby("net").scaled_time.min()
        if closed.any()
        else rows.set_index("net").step
    )
    rows = rows[(rows.net == first.idxmin()) & (rows.step > 0)]
    style = line("SAM", fine.batch.max()) | {"label": r"angle to $v_1$"}
    axis.plot(rows.scaled_time, rows.angle, **style | {"ls": "-"})
    axis.plot(
        rows.scaled_time,
        rows.angle_two,
        **style | {"ls": (0, (1, 1)), "label": r"angle to $\mathrm{span}(v_1, v_2)$"},
    )
    axis.plot(
        rows.scaled_time,
        1 - rows.second / rows.top,
        color=BOUND,
        lw=1,
        label=r"gap $(\lambda_1-\lambda_2)/\lambda_1$",
    )
    axis.set(xscale="log", yscale="log", xlabel=r"$\lambda_1(0)\,\gamma\rho^2 t$")
    axis.set_title("one whose gap closes")
    axis.legend(loc="lower left")


def by_radius(axis, full, closed):
    last = full[full.step == full.groupby("rho").step.transform("max")]
    for _, rows in last[~last.net.map(closed)].sort_values("rho").groupby("net"):
        axis.plot(rows.rho, rows.angle, "o-", ms=2.5, lw=0.7, color=METHOD["n-SAM"], alpha=0.6)
    ends = np.array([last.rho.min(), last.rho.max()])
    axis.plot(ends, 2 * ends, color=BOUND, lw=1, ls=(0, (4, 1.6)), label=r"$2\rho$")
    axis.set(xscale="log", yscale="log", xlabel=r"radius $\rho$", ylabel=r"angle to $v_1$ at the end")
    axis.set_xticks(sorted(last.rho.unique()), [f"{rho:g}" for rho in sorted(last.rho.unique())])
    axis.minorticks_off()
    axis.set_title("same slow time, open gap")
    axis.legend(loc="upper left")


def falling(axis, shown, column, name):
    start = shown[shown.step == 0].groupby("net")[column].first()
    shown = shown.assign(share=shown[column] / shown.net.map(start))
    for arm in ARMS:
        rows = shown[(shown.method == arm[0]) & (shown.batch == arm[1]) & (shown.scaled_time > 0)]
        banded(axis, rows, "scaled_time", "share", band=arm == ("SAM", shown.batch.max()), **line(*arm))
    axis.set(xlabel=r"$\lambda_1(0)\,\gamma\rho^2 t$", ylabel=name, ylim=(None, 1.03))
    axis.set_title("median of all nets; band: four fifths")


def by_batch(axis, shown):
    """Every net at the end, from the smallest angle up."""
    last = shown[
        (shown.method == "SAM") & (shown.step == shown.groupby(["batch", "rho"]).step.transform("max"))
    ]
    for (_, m), style in ((arm, line(*arm)) for arm in ARMS if arm[0] == "SAM"):
        angles = np.sort(last[last.batch == m].angle)
        axis.step(angles, np.arange(1, len(angles) + 1) / len(angles), where="post", **style)
    axis.set(
        xscale="log",
        xlabel="angle of a batch's gradient to its own $v_1$",
        ylabel="share of the nets",
        ylim=(0, 1.02),
    )
    axis.set_title(f"at the end, $\\rho = {last.rho[last.batch == 1].iloc[0]:g}$")
