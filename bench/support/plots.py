# SPDX-License-Identifier: BSL-1.0
"""Plots of the answers, as SVG and PNG. Needs matplotlib."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as pyplot  # noqa: E402
import matplotlib.ticker  # noqa: E402

COLOURS = {"asyncore": "#c1272d", "hand-written": "#444444", "libev": "#1f77b4",
           "libevent": "#ff7f0e", "libuv": "#2ca02c", "asio": "#9467bd", "Python": "#8c6d31"}
MARKS = "os^Dv<>P"


def draw(plot, machine_lines, folder):
    figure, axes = pyplot.subplots(figsize=(9, 5.8))
    seen = {}
    for name, points in plot.curves.items():
        library = name.split(",")[0].split()[0]
        number = seen[library] = seen.get(library, -1) + 1
        x = [point[0] for point in points]
        y = [point[1].median for point in points]
        errors = [[m - p[1].low for m, p in zip(y, points)],
                  [p[1].high - m for m, p in zip(y, points)]]
        axes.errorbar(x, y, yerr=errors, label=name, color=COLOURS.get(library), capsize=3,
                      linestyle=["-", "--", ":", "-."][number % 4], marker=MARKS[number % 8],
                      linewidth=2.4 if library == "asyncore" else 1.4, markersize=5)
    values = [point[0] for points in plot.curves.values() for point in points]
    heights = [point[1].median for points in plot.curves.values() for point in points]
    if min(values) > 0 and max(values) / min(values) > 10:
        axes.set_xscale("log")
    elif max(values) > 100:
        axes.set_xscale("symlog", linthresh=100)
    axes.set_xticks(sorted(set(values)))
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
    if min(heights) > 0 and max(heights) / min(heights) > 20:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=[1, 2, 5]))
    else:
        axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda v, _: f"{v:,g}"))
    axes.set_title(plot.title)
    axes.set_xlabel(plot.x)
    axes.set_ylabel(plot.y)
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.text(0.01, 0.01, "\n".join(machine_lines) + "\nmedians; bars: lowest and highest round",
                fontsize=7, color="#555555")
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    for kind in ["svg", "png"]:
        figure.savefig(folder / f"{plot.name}.{kind}", dpi=110)
    pyplot.close(figure)
