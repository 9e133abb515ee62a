#!/usr/bin/python3
"""chart.py RESULTS.json: the table of bench/run's results, and chart.svg beside.

What is wanted (PANELS, and the two lines about workloads) stands here only.
"""

import html
import json
import pathlib
import statistics
import sys

ROWS = {"redirect": "kernel-only redirect", "splice": "splice, inspected",
        "inspected": "in place, inspected", "cached": "in place, cached",
        "detected": "in place, 2,000 signatures, DLP"}
AT_LEAST, AT_MOST = "≥", "≤"
# What, its figure, title, unit of plain's; wanted of a row as ratio to plain's.
CPU = {"inspected": (AT_MOST, 1.6)}
PANELS = [
    ("tcp1", "value", "TCP, 1 stream, {cc}", "Gbit/s",
     {"inspected": (AT_LEAST, 0.75), "cached": (AT_LEAST, 0.97),
      "detected": (AT_LEAST, 0.5)}),
    ("tcp8", "value", "TCP, 8 streams, {cc}", "Gbit/s",
     {"inspected": (AT_LEAST, 0.97), "cached": (AT_LEAST, 0.97),
      "detected": (AT_LEAST, 0.5)}),
    ("tcp1-cubic", "value", "TCP, 1 stream, cubic", "Gbit/s",
     {"inspected": (AT_LEAST, 0.40), "cached": (AT_LEAST, 0.97)}),
    ("tcp8-cubic", "value", "TCP, 8 streams, cubic", "Gbit/s",
     {"inspected": (AT_LEAST, 0.40), "cached": (AT_LEAST, 0.97)}),
    ("tcp1", "cpu_s_per_gb", "CPU, 1 stream, {cc}", "s/GB", CPU),
    ("tcp8", "cpu_s_per_gb", "CPU, 8 streams, {cc}", "s/GB", CPU),
    ("tcp1-cubic", "cpu_s_per_gb", "CPU, 1 stream, cubic", "s/GB", CPU),
    ("tcp8-cubic", "cpu_s_per_gb", "CPU, 8 streams, cubic", "s/GB", CPU),
    ("ask", "p50_us", "round trip, median", "us",
     {"inspected": (AT_MOST, 1.6), "cached": (AT_MOST, 1.05)}),
    ("ask", "p99_us", "round trip, 99 %", "us", {"inspected": (AT_MOST, 1.7)}),
    ("connect", "value", "connections, one by one", "/s",
     {"inspected": (AT_LEAST, 0.85), "cached": (AT_LEAST, 0.85)}),
    ("connect16", "value", "connections, 16 at a time", "/s", {}),
    ("udp", "value", "UDP, 64 B, delivered", "kpps",
     {"inspected": (AT_LEAST, 0.80)}),
]
MANY = (AT_MOST, 1.1)     # cost of a frame at many workloads, to that at one
BRING = (AT_MOST, 5.0)    # ms


def spread(values):
    return statistics.median(values), min(values), max(values)


def meets(wanted, value):
    """None: nothing is wanted."""
    if not wanted:
        return None
    return value >= wanted[1] if wanted[0] == AT_LEAST else value <= wanted[1]


def ratios(samples, what, figure):
    """By row: a round's figure over the plain one's."""
    plain = {s["round"]: s[figure] for s in samples
             if s["what"] == what and s["row"] == "plain"}
    return {row: [s[figure] / plain[s["round"]] for s in samples
                  if s["what"] == what and s["row"] == row] for row in ROWS}


def summary(results):
    """Panels: title, plain's figure as text, bars (name, spread, wanted)."""
    samples, cc = results["samples"], results["machine"]["default_cc"]
    told = []
    for what, figure, title, unit, wanted in PANELS:
        plain = statistics.median(s[figure] for s in samples
                                  if s["what"] == what and s["row"] == "plain")
        told.append({
            "title": title.format(cc=cc), "note": f"plain: {number(plain)} {unit}",
            "bars": [(ROWS[row], spread(values), wanted.get(row)) for row, values
                     in ratios(samples, what, figure).items()]})
    told.append(many(results))
    told.append(bring(results))
    return told


def many(results):
    """A frame's time at the second host, to that at the first."""
    def cost(what, figure, inverse):
        value = {(s["row"], s["round"]): 1 / s[figure] if inverse else s[figure]
                 for s in results["hosts"] if s["what"] == what}
        return spread([value["many", r] / value["few", r]
                       for row, r in value if row == "few"])
    n = results["machine"]["workloads"]
    return {"title": f"{n:,} workloads to one", "note": "inspected, in place",
            "bars": [("time of a UDP frame", cost("udp", "value", True), MANY),
                     ("round trip, median", cost("ask", "p50_us", False), MANY)]}


def bring(results):
    brought = results["brought"]
    bars = []
    for how, name in (("command", "command, at 20 kpps"), ("library", "inplace_add()"),
                      ("crowd", "many in a row")):
        values = [b["ms"] for b in brought if b["how"] == how]
        bars.append((name, spread(values), BRING))
    lost = sum(b.get("lost", 0) for b in brought)
    return {"title": "bringing in, ms", "unit": "ms", "bars": bars,
            "note": f"frames lost: {lost} of "
                    f"{sum(b.get('sent', 0) for b in brought):,}"}


# --- the table ---

def number(v):
    return f"{v:,.0f}" if v >= 1000 else f"{v:.1f}" if v >= 10 else f"{v:.2f}"


def cell(bar):
    _, (median, low, high), wanted = bar
    text = f"{median:.2f} ({low:.2f}..{high:.2f})"
    if meets(wanted, median) is False:
        text = f"**{text}**"
    return text + (f" {wanted[0]} {wanted[1]:.2f}" if wanted else "")


def about(machine):
    return (f"{machine['date']}, CPUs {', '.join(map(str, machine['cpus']))} of "
            f"{machine['of']} ({machine['cpu']}), nothing is pinned; "
            f"Linux {machine['kernel']}; {machine['rounds']} rounds of "
            f"{machine['seconds']:g} s; load before: {machine['load_before']:.1f}")


def print_table(results, told):
    print(about(results["machine"]))
    print("Ratios to plain: median (min..max); what misses its line is bold.\n")
    print("| | plain | " + " | ".join(ROWS.values()) + " |")
    print("|---" * (len(ROWS) + 2) + "|")
    for panel in told[:len(PANELS)]:
        print(f"| {panel['title']} | {panel['note'].removeprefix('plain: ')} | "
              + " | ".join(map(cell, panel["bars"])) + " |")
    print()
    for panel in told[len(PANELS):]:
        print(f"{panel['title']} ({panel['note']}):")
        for bar in panel["bars"]:
            print(f"  {bar[0]:20} {cell(bar)}")
    for row in ("splice", "inspected", "cached", "detected"):
        samples = [s for s in results["samples"] if s["row"] == row]
        print(f"bytes inspected over bytes carried, {ROWS[row]}: " +
              "{:.4f} ({:.4f}..{:.4f})".format(*spread(
                  [s["inspected"] for s in samples])) +
              ("" if row not in ("cached", "detected") else "; with those let go by the cache: " +
               "{:.4f} ({:.4f}..{:.4f})".format(*spread(
                   [s["seen"] for s in samples]))))
    for row in ("inspected", "cached", "detected"):
        print(f"frames out of order, {ROWS[row]}: " + str(sum(
            s.get("reordered", 0) for s in results["samples"] if s["row"] == row)))
    for b in results["brought"]:
        if b.get("lost"):
            print(f"lost while one was brought in: {b['lost']}; by the kernel's "
                  f"programs: {b['dropped'] or 'none'}")


# --- the chart ---

COLOUR = {None: "#57606a", True: "#1a7f37", False: "#cf222e"}
COLUMNS, WIDE, HIGH, LEFT, STEP = 4, 362, 172, 132, 26
PLOT = WIDE - LEFT - 108    # pixels of an axis


def text(x, y, what, size=12, colour="#1f2328", anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" '
            f'text-anchor="{anchor}" font-weight="{weight}">'
            f"{html.escape(what)}</text>")


def line(x1, y1, x2, y2, colour, width=1.0, dash=""):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}" stroke-width="{width}" '
            f'stroke-dasharray="{dash}"/>')


def arrow(y, colour, is_cut):
    x = LEFT + PLOT
    return [f'<path d="M{x} {y - 5} l7 5 l-7 5 z" fill="{colour}"/>'] if is_cut else []


def draw_bar(bar, y, scale):
    name, (median, low, high), wanted = bar
    colour = COLOUR[meets(wanted, median)]
    parts = [text(LEFT - 8, y + 4, name, 11, anchor="end"),
             line(LEFT, y, LEFT + PLOT, y, "#d0d7de"),
             line(scale(low), y, scale(high), y, colour, 5),
             *arrow(y, colour, scale(high) == LEFT + PLOT),
             f'<circle cx="{scale(median):.1f}" cy="{y}" r="5" fill="{colour}" '
             'stroke="white" stroke-width="1.5"/>',
             text(LEFT + PLOT + 11, y + 4, f"{median:.2f}", 12, colour, weight="bold")]
    if wanted:
        x = scale(wanted[1])
        parts.append(line(x, y - 9, x, y + 9, "#1f2328", 2))
        parts.append(text(LEFT + PLOT + 62, y + 4, f"{wanted[0]} {wanted[1]:g}", 10,
                          "#57606a"))
    return parts


def draw_panel(panel, left, top):
    bars = panel["bars"]
    # an axis for medians and what is wanted; what is far out is cut off
    middle = max(max(median, wanted[1] if wanted else 0)
                 for _, (median, _, _), wanted in bars)
    most = max([1.25, middle * 1.1] + [high * 1.05 for _, (_, _, high), _ in bars
                                      if high < middle * 2])

    def scale(v):
        return LEFT + PLOT * min(v, most) / most
    parts = [f'<g transform="translate({left},{top})">',
             text(8, 18, panel["title"], 14, weight="bold"),
             text(WIDE - 12, 18, panel["note"], 11, "#57606a", "end")]
    bottom = 38 + STEP * len(bars)
    if "unit" not in panel:
        parts.append(line(scale(1), 30, scale(1), bottom, "#8c959f", 1, "3,3"))
    for i, bar in enumerate(bars):
        parts += draw_bar(bar, 44 + STEP * i, scale)
    step = next(s for s in (0.5, 1, 2, 5, 10, 20, 50, 100, 1000) if most / s < 6)
    for v in (i * step for i in range(int(most / step) + 1)):
        parts.append(text(scale(v), bottom + 14, f"{v:g}", 10, "#57606a", "middle"))
    return [*parts, "</g>"]


def draw(results, told):
    rows = -(-len(told) // COLUMNS)
    width, height = COLUMNS * WIDE + 20, 64 + rows * HIGH + 10
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
             f'height="{height}" viewBox="0 0 {width} {height}" '
             'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">',
             f'<rect width="{width}" height="{height}" fill="white"/>',
             text(18, 26, "Weir: ratios to an undiverted veth", 18, weight="bold"),
             text(18, 46, about(results["machine"]), 11, "#57606a"),
             text(width - 18, 26, "dot: median; bar: min..max; black: wanted; "
                  "dashed: plain", 11, "#57606a", "end")]
    for i, panel in enumerate(told):
        parts += draw_panel(panel, 10 + i % COLUMNS * WIDE,
                            64 + i // COLUMNS * HIGH)
    return "\n".join([*parts, "</svg>"]) + "\n"


def main():
    path = pathlib.Path(sys.argv[1])
    results = json.loads(path.read_text(encoding="utf-8"))
    told = summary(results)
    print_table(results, told)
    (path.parent / "chart.svg").write_text(draw(results, told), encoding="utf-8")


if __name__ == "__main__":
    main()
