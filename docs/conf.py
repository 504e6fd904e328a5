"""How Sphinx makes the pages: offline, with warnings as errors on the command line."""

from __future__ import annotations

from importlib.metadata import version as version_of

project = "sqre-apikit-c"
author = "the sqre-apikit-c authors"
project_copyright = author
version = release = version_of(project)

extensions = ["sphinx.ext.autodoc", "sphinx.ext.doctest", "numpydoc"]
exclude_patterns = ["_build"]
default_role = "py:obj"

html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_sphinx = False

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
numpydoc_show_class_members = False

# Each page's examples begin with nothing of another's.
doctest_test_doctest_blocks = "default"
