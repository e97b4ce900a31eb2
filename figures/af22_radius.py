"""Test loss against the radius: as published, and with one step and one unit of the radius for all."""

import matplotlib.pyplot as plt

from figures.style import METHOD, METHOD_DASH


def draw(table):
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.4), sharey=True)
    printed = table[table.footing == "published"]
    gamma = printed.gamma[printed.method == "GD"].iloc[0]
    equal = table[(table.footing == "equal") & (table.gamma == gamma)]
    other = table[(table.footing == "equal") & (table.gamma != gamma) & (table.method == "GD")]
    for axis, rows, across in ((axes[0], printed, "shown"), (axes[1], equal, "rho")):
        for method, of in rows.groupby("method", sort=False):
            line = {"color": METHOD[method], "ls": METHOD_DASH[method]}
            if method == "GD":
                axis.axhline(of.test_loss.iloc[0], **line, label=label(of, "GD"))
                continue
            of = of[of.test_loss.notna()]
            marks = {"marker": "o", "ms": 4} if across == "shown" else {}
            axis.plot(of[across], of.test_loss, **line, **marks, label=label(of, method))
    for rows in (each for _, each in other.groupby("gamma")):
        axes[0].axhline(
            rows.test_loss.iloc[0],
            color=METHOD["GD"],
            lw=0.9,
            ls=":",
            label=label(rows, "GD") + ", not shown there",
        )
    axes[0].set(xlabel=r"$\rho$ as the public code counts", ylabel="test loss after 10001 steps")
    axes[0].set_title("as published")
    axes[1].set(xlabel=r"$\rho$ of the theory, for both")
    axes[1].set_title("one step, one unit of the radius")
    for axis in axes:
        axis.set(xscale="log", ylim=(-0.001, 0.036), xlim=(6e-4, 2.2))
        axis.legend(loc="upper left")
    return figure


def label(rows, method):
    gamma = rows.gamma.iloc[0]
    return rf"{method}, $\gamma = 1/{1 / gamma:.0f}$"
