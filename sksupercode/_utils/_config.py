"""The configuration of the package: what holds for a whole process."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from contextlib import contextmanager

from sksupercode._utils._validation import check_real

_config = {"gram_memory": 4096}


def get_config():
    """Return the configuration of this process.

    Returns
    -------
    config : dict
        A copy, with the parameters of :func:`set_config` as keys.

    Examples
    --------
    >>> import sksupercode
    >>> sksupercode.get_config()
    {'gram_memory': 4096}
    """
    return dict(_config)


def set_config(*, gram_memory=None):
    """Set the configuration of this process, all of its threads included.

    Parameters
    ----------
    gram_memory : float or None, default=None
        How many MiB pursuits may use to keep inner products of the codewords that they select, for
        each dictionary of floats; 4096 at first. With 0 none are kept. None leaves it as it is.

    Raises
    ------
    ValueError
        If ``gram_memory`` is not a finite number >= 0.

    See Also
    --------
    config_context : The same for a block of code.
    sklearn.set_config : Has ``working_memory``, which is for what is dropped after a call.

    Notes
    -----
    The results of decoders do not depend on it, only their speed does. Memory is taken as it is
    used, and is free again when nobody uses the dictionary any more. Workers in other processes
    start with the default.

    Examples
    --------
    >>> import sksupercode
    >>> sksupercode.set_config(gram_memory=512)
    >>> sksupercode.get_config()["gram_memory"]
    512
    >>> sksupercode.set_config(gram_memory=4096)
    """
    if gram_memory is not None:
        check_real(gram_memory, "gram_memory", minimum=0, closed="left")
        _config["gram_memory"] = gram_memory


@contextmanager
def config_context(*, gram_memory=None):
    """Change the configuration for a block of code; it is as before afterwards.

    Other threads see the change as well: the configuration is that of the process.

    Parameters
    ----------
    gram_memory : float or None, default=None
        See :func:`set_config`.

    Yields
    ------
    None.

    Examples
    --------
    >>> import sksupercode
    >>> with sksupercode.config_context(gram_memory=0):
    ...     sksupercode.get_config()
    {'gram_memory': 0}
    """
    before = get_config()
    set_config(gram_memory=gram_memory)
    try:
        yield
    finally:
        set_config(**before)
