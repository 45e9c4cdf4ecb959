"""Matplotlib, which nothing but the plots needs."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause


def import_pyplot():
    """Return ``matplotlib.pyplot``, or say how to get it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("Plots need Matplotlib: python -m pip install matplotlib.") from error
    return pyplot


def with_defaults(kwargs, **defaults):
    """Return keywords of a line, under their full names, over our own."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    return defaults | normalize_kwargs(kwargs, Line2D)
