"""Switching between gradient flow and 1-SAM at any time, and the line between two networks."""

import matplotlib.pyplot as plt

from figures.style import BOUND, METHOD

ORDER = {
    "GD, then 1-SAM": (METHOD["1-SAM"], "-"),
    "1-SAM, then GD": (METHOD["n-SAM"], (0, (4, 1.6))),
    "GD, then 1-SAM, large radius": (METHOD["5-SAM"], (0, (1, 1))),
}
LINE = {"train_loss": ("training loss", (0, (4, 1.6))), "test_loss": ("test loss", "-")}


def draw(table):
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.5))
    flows = table[(table.kind == "switch") & table.test_loss.notna()]
    for order, rows in flows.groupby("order", sort=False):
        colour, dash = ORDER[order]
        moments = rows[(rows.time > 0) & (rows.time < flows.time.max())]
        rho = rows[["before", "after"]].max(axis=1).iloc[0]
        text = rf"{order.removesuffix(', large radius')}, $\rho = {rho:g}$"
        axes[0].plot(moments.time, moments.test_loss, color=colour, ls=dash, label=text)
        axes[0].plot(moments.time, moments.predicted, "o", ms=3.6, mfc="none", mew=0.8, color=colour)
    both = flows[flows.order == "GD, then 1-SAM"]
    for name, time in (("1-SAM throughout", both.time.min()), ("GD throughout", both.time.max())):
        level = both.test_loss[both.time == time].iloc[0]
        axes[0].axhline(level, color=BOUND, lw=0.7, ls=":")
        axes[0].annotate(
            name,
            (flows.time.max(), level),
            xytext=(0, 5),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color=BOUND,
        )
    axes[0].set(xscale="log", yscale="log", xlabel="time of switching", ylabel="test loss at the end")
    axes[0].set_title("flows; circles: predicted by dual Newton")
    axes[0].legend(loc="lower left", bbox_to_anchor=(0.0, 0.12))
    line = table[(table.kind == "line") & (table.order == "GD")]
    for column, (name, dash) in LINE.items():
        axes[1].plot(line.share, line[column], color=METHOD["GD"], ls=dash, label=name)
    for share, order in ((0.0, "GD, then 1-SAM"), (1.0, "GD")):
        end = line.iloc[(line.share - share).abs().argmin()]
        axes[1].plot(
            share, end.test_loss, "o", ms=6, color=METHOD["1-SAM" if share == 0 else "GD"], label=order
        )
    axes[1].set(xlabel=r"$a$ in $(1-a)\,w_{\mathrm{GD, 1SAM}} + a\,w_{\mathrm{GD}}$", ylabel="loss")
    axes[1].set_title("the line between two networks of the notebook")
    axes[1].legend(loc="upper center")
    return figure
