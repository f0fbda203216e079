"""Figures, each a ratio of two arms measured in one run: ours against the bare thing. `tierline bench` runs them all.

A benchmark answers a figure {name, ratio, goal, value, baseline, unit, note}, or a list of them, and stands in
`catalogue.py`. Each runs in a process of its own, on an embedded stack that serves nobody else.
"""
