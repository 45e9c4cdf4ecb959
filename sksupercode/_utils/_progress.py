"""Progress: bars by rich, and scikit-learn's callbacks for sweeps where it has any."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from contextlib import contextmanager

from sklearn.base import BaseEstimator

from sksupercode._utils._optional import require

# A name that leaves room for a bar, the percentage and the time in 80 columns.
_LONGEST = 48

try:
    from sklearn.callback import CallbackSupportMixin, FitCallback, ProgressBar, with_callbacks
except ImportError:  # scikit-learn < 1.9
    FitCallback = None
else:

    class Sweep(CallbackSupportMixin, BaseEstimator):
        """What callbacks see: an estimator whose fit has one task for each cell."""

        @with_callbacks
        def fit(self, results, add, n_results, name):
            """Pass each result to ``add``, and tell the callbacks."""
            context = self._init_callback_context(task_name=name, max_subtasks=n_results)
            context.call_on_fit_task_begin(estimator=self)
            for result in results:
                task = context.subcontext(task_name="cell")
                task.call_on_fit_task_begin(estimator=self)
                add(*result)
                task.call_on_fit_task_end(estimator=self)
            context.call_on_fit_task_end(estimator=self)
            return self


def track(results, name, total, verbose):
    """Return ``results``, behind a bar of that name where ``verbose`` asks for one."""
    if not verbose:
        return results
    return _progress_bars().track(results, name, total=total)


@contextmanager
def bar_of_names(verbose):
    """Give a function ``(items, names, share)`` that yields items, None where no bar is asked for.

    The bar goes on by a share of the whole with these items, and names the one that was taken last.
    """
    if not verbose:
        yield None
        return
    with _progress_bars().Progress() as progress:
        task = progress.add_task("", total=1.0)

        def taken(items, names, share):
            for item, name in zip(items, names, strict=True):
                progress.update(task, description=name)
                yield item
                progress.advance(task, share / len(items))

        yield taken


def check_reports(callbacks, verbose):
    """Refuse what is no list of scikit-learn's callbacks, and a bar that cannot be drawn."""
    if verbose:
        _progress_bars()
    if callbacks is None:
        return
    if FitCallback is None:
        raise ValueError("callbacks need scikit-learn 1.9 or newer; verbose=True works without.")
    if not isinstance(callbacks, list | tuple) or not all(
        isinstance(callback, FitCallback) and not isinstance(callback, type)
        for callback in callbacks
    ):
        raise ValueError(
            f"callbacks must be a list of scikit-learn's callbacks, got {callbacks!r}."
        )


def consume(results, add, n_results, n_finished, callbacks, verbose, name="cells"):
    """Pass each of ``results`` to ``add`` as it comes, and report how far it is."""
    if n_finished:
        name = f"{n_results} of {n_results + n_finished} left, {name}"
    if len(name) > _LONGEST:
        name = f"{name[: _LONGEST - 1]}…"
    if FitCallback is not None and (callbacks or verbose):
        callbacks = list(callbacks or ())
        # Two bars are one too many for scikit-learn.
        if verbose and not any(isinstance(callback, ProgressBar) for callback in callbacks):
            callbacks.append(ProgressBar())
        Sweep().set_callbacks(*callbacks).fit(results, add, n_results, name)
        return
    for result in track(results, f"Sweep - {name}", n_results, verbose):
        add(*result)


def _progress_bars():
    return require("rich.progress", "verbose=True")
