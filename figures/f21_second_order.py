"""The dropped term over training, what it does to the ends, and how far it turns gradients of quadratics."""

import matplotlib.pyplot as plt

from figures.style import METHOD, METHOD_DASH, TERM

STYLE = {
    "GD": (METHOD["GD"], METHOD_DASH["GD"]),
    "SAM": (METHOD["n-SAM"], "-"),
    "SAM, whole gradient": (METHOD["1-SAM"], METHOD_DASH["n-SAM"]),
}
SPECTRUM = {"convex": (TERM["covering"], "o"), "indefinite": (TERM["h"], "^")}


def draw(table):
    figure, axes = plt.subplots(1, 4, figsize=(12.5, 3.1))
    nets = table[table.kind == "net"]
    sam = nets[nets.method == "SAM"]
    for axis, (column, label) in zip(
        axes,
        {"share": r"$\|J^\top v\|\,/\,\|v\|$", "cosine": r"$\cos(v,\; v+J^\top v)$"}.items(),
        strict=False,
    ):
        band = sam.groupby("step")[column].quantile([0, 0.25, 0.5, 0.75, 1]).unstack()
        colour = STYLE["SAM"][0]
        axis.fill_between(band.index, band[0], band[1], color=colour, alpha=0.15, lw=0, label="all nets")
        axis.fill_between(
            band.index, band[0.25], band[0.75], color=colour, alpha=0.3, lw=0, label="half of them"
        )
        axis.plot(band.index, band[0.5], color=colour, label="median")
        axis.set(xscale="log", xlabel="step of SAM", title=label)
    axes[0].set(yscale="log")
    axes[0].axhline(1, color="black", lw=0.7, ls=":")
    axes[0].legend(loc="upper left")
    ends(axes[2], nets)
    for spectrum, rows in table[table.kind == "quadratic"].groupby("method"):
        colour, marker = SPECTRUM[spectrum]
        axes[3].plot(rows.kappa, rows.cosine, marker, ms=1.8, mew=0, color=colour, alpha=0.35)
        means = rows.groupby("size")[["kappa", "cosine"]].mean()
        axes[3].plot(means.kappa, means.cosine, marker=marker, ms=5, color=colour, lw=1, label=spectrum)
    axes[3].set(
        xscale="log", xlabel=r"$\kappa=\rho\,\|PHu\|\,/\,\|g\|$", title=r"$\cos(v,\; v+J^\top v)$, quadratics"
    )
    axes[3].legend(loc="lower left")
    return figure


def ends(axis, nets):
    last = nets[nets.step == nets.step.max()].set_index(["method", "seed"])[["top", "test"]]
    for method in ("GD", "SAM, whole gradient"):
        pair = last.loc[method] / last.loc["SAM"]
        colour = STYLE[method][0]
        axis.plot(
            pair.top, pair.test, "o" if method == "GD" else "s", ms=4, mfc="none", color=colour, label=method
        )
    axis.axhline(1, color=STYLE["SAM"][0], lw=0.7)
    axis.axvline(1, color=STYLE["SAM"][0], lw=0.7)
    axis.set(xlabel=r"$\lambda_1$ over that of SAM", title="test loss over that of SAM, at the end")
    axis.legend(loc="upper right")
