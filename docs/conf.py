"""The documentation: ``sphinx-build -W docs build/docs``, or ``nox -s docs``. Needs no network."""

import sys
from pathlib import Path

import goflow
import goflow.workflow.document
import goflow.workflow.model

sys.path.insert(0, str(Path(__file__).parent))
import reference_pages

project = "GoFlow"
author = "GoFlow maintainers"
project_copyright = "GoFlow maintainers"
release = version = goflow.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
suppress_warnings = ["misc.highlighting_failure"]  # transcripts and fragments of YAML
nitpicky = False

html_theme = "furo"
html_title = f"GoFlow {release}"
html_static_path = ["static"]
html_css_files = ["goflow.css"]
html_show_sourcelink = False
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "undoc-members": False}
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True


# What is only imported for type checkers is not there when annotations are looked up.
goflow.workflow.model.Document = goflow.workflow.document.Document


def setup(app):
    """The reference pages are written anew before each build, out of the code."""
    app.connect("builder-inited", lambda app: reference_pages.write(Path(app.srcdir)))
