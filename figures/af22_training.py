"""Five methods on the public diagonal network for 1e6 steps: training loss and test loss."""

import matplotlib.pyplot as plt

from figures.style import METHOD, METHOD_DASH


def draw(table):
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.3))
    for method, rows in table.groupby("method", sort=False):
        if method not in METHOD:
            continue
        line = {"color": METHOD[method], "ls": METHOD_DASH[method], "lw": 2.0 if method == "GD" else 1.4}
        text = method + (rf", $\rho = {rows.rho.iloc[0]:g}$" if rows.rho.iloc[0] > 0 else "")
        rows = rows[rows.step > 0]
        axes[0].plot(rows.step, rows.train_loss, **line, label=text)
        axes[1].plot(rows.step, rows.test_loss, **line)
        if rows.read.notna().any():
            axes[1].plot(
                rows.step.max(), rows.read.iloc[0], "D", ms=5, mfc="none", color=METHOD[method], clip_on=False
            )
    for axis, name in zip(axes, ("training loss", "test loss"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel="step")
        axis.set_title(name)
    axes[1].set_title("test loss; diamonds: as published")
    axes[0].set_ylabel(r"$\frac{1}{2}$ mean squared error")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", handlelength=2.6)
    return figure
