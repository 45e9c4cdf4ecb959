"""The error of codes against what else they are good for."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from matplotlib import pyplot as plt

from .tables import UNKNOWING, groups_of


def parts(text):
    """Return the mean and the error of a cell."""
    mean, _, error = text.partition(" ± ")
    return float(mean), float(error or 0)


def family(name):
    """Return the decoder without the values that it takes."""
    return name.removesuffix(", real").removesuffix(", nonnegative")


def draw(planted, minilm, model):
    """Return a figure of each table's measure beside the FVU, with a colour for each decoder."""
    panels = []
    for data, table in planted.items():
        for dictionary, label in {"true": "true", "topk": "TopK"}.items():
            own = [row for row in table if row["dictionary"] == dictionary]
            panels.append((f"{data},\n{label} dictionary", own, "F1"))
    panels.append(("MiniLM", [row for row in minilm if row["FVU"]], "AUC, k = 1"))
    own = [row for row in model if row["seed"] == "0"]
    panels.append(("SmolLM2", own, "rise of the loss"))
    panels = [panel for panel in panels if panel[1]]
    n_columns = min(3, len(panels))
    n_rows = -(-len(panels) // n_columns)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(3 * n_columns, 2.7 * n_rows + 0.9), squeeze=False
    )
    names = dict.fromkeys(row["decoder"] for _, table, _ in panels for row in table)
    names = [name for name in names if name not in UNKNOWING]
    families = dict.fromkeys(map(family, names))
    colors = dict(zip(families, plt.get_cmap("tab10").colors, strict=False))
    lines = {}
    for ax, (title, table, measure) in zip(axes.ravel(), panels, strict=False):
        for (name,), own in groups_of(table, "decoder").items():
            if name not in names:
                continue
            (x, _), (y, error) = (
                zip(*(parts(row[key]) for row in own), strict=True) for key in ("FVU", measure)
            )
            style = {"marker": "o", "ms": 5, "lw": 1, "capsize": 2, "label": name}
            style["color"] = colors[family(name)]
            style["mfc"] = "white" if name.endswith(", real") else style["color"]
            lines[name] = ax.errorbar(x, y, error, **style)
        ax.set(title=title, xlabel="FVU", ylabel=measure)
        ax.title.set_size(10)
        ax.grid(color="0.93")
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes.ravel()[len(panels) :]:
        ax.remove()
    figure.legend(lines.values(), lines, loc="lower center", ncols=3, frameon=False, fontsize=9)
    figure.tight_layout(rect=(0, 0.9 / (2.7 * n_rows + 0.9), 1, 1))
    return figure
