"""Configuration of the documentation: Markdown pages, and a reference drawn from docstrings."""

from importlib.metadata import version as installed

project = "backo"
author = "the backo authors"
project_copyright = f"2026, {author}"
release = version = installed("backo")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

napoleon_custom_sections = [("Options", "params_style")]  # of a field type

autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "furo"
html_title = "backo"
