"""Configuration of the documentation."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import importlib
import inspect
import os
import pkgutil
import re
import sys
from pathlib import Path

from sphinx.util import logging

import sksupercode

sys.path.append(str(Path(__file__).with_name("_extensions")))

project = "sksupercode"
author = "The sksupercode developers"
copyright = author
release = version = sksupercode.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "benchmark_tables",
    "explorer_tables",
    "initials",
    "spaces",
    "sphinx-mathjax-offline",  # formulas from a file, without a network
]
if os.environ.get("READTHEDOCS"):
    # A build without a network has no inventories of other projects to link to.
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "numpy": ("https://numpy.org/doc/stable", None),
        "python": ("https://docs.python.org/3", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }

exclude_patterns = ["_build"]
templates_path = ["_templates"]
default_role = "py:obj"

autodoc_preserve_defaults = True
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
autosummary_generate = True
numpydoc_show_class_members = False
# All checks but those for sections that not every docstring needs, for returned values that have no
# name, for verbs where a summary is none, and for what inherits its docstring.
numpydoc_validation_checks = {"all", "ES01", "EX01", "SA01", "RT02", "SS05", "GL08"}
numpydoc_validation_exclude = {
    # Results, whose parameters are their attributes.
    r"\.(DecoderFrontier|DictionaryRecovery|DimensionEstimate|FrontierRow|MeasuredDimension)$",
    r"\.(PhaseTransition|RecoveryCurve)$",
}

sphinx_gallery_conf = {
    "abort_on_example_error": True,
    "doc_module": ("sksupercode",),
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "ignore_pattern": r"(make_\w+|figure_options|language_model)\.py$",  # not pages
    "parallel": True,  # as many examples at a time as ``sphinx-build -j`` says
    "reference_url": {"sksupercode": None},
    "within_subsection_order": "ExampleTitleSortKey",
    "write_computation_times": False,
}

# What is copied has no prompts and no output.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_show_sourcelink = False
html_theme_options = {
    "footer_start": ["copyright"],
    "footer_end": [],
    "navbar_persistent": ["search-button"],
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
}
html_sidebars = {
    "contributing": [],
    "explorer": [],
    "getting_started": [],
    "versions": [],
}


def skip_foreign_members(app, what, name, obj, skip, options):
    """Leave out what a class inherits from other packages: their documentation has it."""
    member = obj.fget if isinstance(obj, property) else inspect.unwrap(obj)
    module = getattr(member, "__module__", None) or ""
    return skip or (what == "class" and not module.startswith("sksupercode"))


def show_parameters_of_init(app, what, name, obj, options, signature, returned):
    """Show how a dictionary is made; the ``__new__`` of linear operators takes anything."""
    if what == "class" and signature == "(*args, **kwargs)":
        _, *parameters = inspect.signature(obj.__init__).parameters.values()
        return str(inspect.Signature(parameters)), returned
    return None


def check_reference_is_complete(app):
    """Warn about public names that the API reference does not list."""
    modules = pkgutil.walk_packages(sksupercode.__path__, "sksupercode.")
    public = ["sksupercode", *(info.name for info in modules if "._" not in info.name)]
    public = {name: importlib.import_module(name) for name in public}

    pages = [path.read_text() for path in Path(app.srcdir, "api").glob("*.rst")]
    module, listed = sksupercode, set()
    for line in "\n".join(pages).splitlines():
        if match := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
            module = public[match[1]]
        elif match := re.fullmatch(r"   (\w+)", line):
            listed.add(id(getattr(module, match[1], None)))
    for name, module in public.items():
        for attribute in getattr(module, "__all__", []):
            if id(getattr(module, attribute)) not in listed:
                logging.getLogger(__name__).warning(
                    "%s.%s is public, but the API reference does not list it", name, attribute
                )


def setup(app):
    # It copies a file, but does not say that several processes may read pages beside it.
    app.extensions["sphinx-mathjax-offline"].parallel_read_safe = True
    app.connect("autodoc-skip-member", skip_foreign_members)
    app.connect("autodoc-process-signature", show_parameters_of_init)
    app.connect("builder-inited", check_reference_is_complete)
