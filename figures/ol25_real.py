"""Theorem 3.2 on real data, lam = 0: exact ridge curves to 10 / (gamma mu), sampled prefixes, bounds."""

import matplotlib.pyplot as plt

from figures.style import DASH

FORM = {"new": "#0072B2", "B": "#CC79A7"}
STEPS = {"new": "the paper's steps", "B": "steps of form B"}


def draw(table):
    kept = table[table.lam == 0]
    panels = [key for key, _ in kept.groupby(["data", "loss", "weight"], sort=False)]
    figure, axes = plt.subplots(2, 3, figsize=(9.6, 5.2), sharey=True)
    figure.set_layout_engine("constrained", hspace=0.04)
    for axis, (data, loss, weight) in zip(axes.T.flat, panels, strict=False):
        panel = kept[(kept.data == data) & (kept.loss == loss) & (kept.weight == weight)]
        for (form, name), rows in panel.groupby(["form", "sampling"], sort=False):
            sampled, exact = rows[rows.kind == "sampled"], rows[rows.kind == "exact"]
            band = sampled[sampled.step > 0].groupby("step").relative_gap.agg(["min", "max"])
            axis.fill_between(band.index, band["min"], band["max"], color=FORM[form], alpha=0.45, lw=0)
            if len(exact):
                axis.plot(
                    exact.step,
                    exact.relative_gap,
                    ls=DASH[name],
                    color=FORM[form],
                    label=f"{STEPS[form]}, {name}",
                )
                axis.plot(
                    exact.step, exact.relative_bound, ls=DASH[name], color=FORM[form], lw=0.7, alpha=0.8
                )
            else:
                middle = (
                    sampled[sampled.step > 0].groupby("step")[["relative_gap", "relative_bound"]].median()
                )
                axis.plot(middle.index, middle.relative_gap, ls=DASH[name], color=FORM[form])
                axis.plot(
                    middle.index, middle.relative_bound, ls=DASH[name], color=FORM[form], lw=0.7, alpha=0.8
                )
        axis.set(xscale="log", yscale="log")
        axis.set_title(f"{loss}, {data}, weight {weight:.2g}")
    for axis in axes[1]:
        axis.set_xlabel("step")
    for axis in axes[:, 0]:
        axis.set_ylabel(r"$(\mathbb{E}f(w_t) - f^\star)\,/\,(f(w_0) - f^\star)$")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=4, title="thin: bound; shaded: sampled prefix"
    )
    return figure
