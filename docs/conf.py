"""Sphinx: python -m sphinx -b html -W docs docs/_build/html

Everything is made here and nothing is downloaded, neither at the build nor by who reads it.
"""

import os
import sys
import warnings
from importlib.metadata import version as version_of
from pathlib import Path

import jaxlib

# Compilation is most of the gallery's time, and these halve it; jax reads them when it is loaded.
if jaxlib.__version__.startswith(("0.9.", "0.10.")):
    quick = "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=1"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {quick}".strip()
sys.path.insert(0, str(Path(__file__).parent / "_ext"))
warnings.filterwarnings(
    "ignore", "physent.* the old name will be removed", FutureWarning
)  # the gallery tries them

project = "physent"
author = "The physent developers"
project_copyright = "2026, the physent developers"
version = release = version_of("physent")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "docstrings",
    "generate",
]
exclude_patterns = [
    "_build",
    "_ext",
    "_generated/parameters",
    "_generated/validation.md",
    "_generated/published.md",
    "_generated/long_runs.md",
    "_generated/schooling.md",
    "gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autodoc_typehints = "none"
autodoc_member_order = "bysource"
add_module_names = False
python_use_unqualified_type_names = True

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "_generated/gallery",
    "filename_pattern": r"/plot_",
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1e9,
    "only_warn_on_example_error": False,
    "abort_on_example_error": True,
    "reset_modules": ("matplotlib",),
    "show_signature": False,
    "write_computation_times": False,  # its page would load scripts from elsewhere
}

html_theme = "pydata_sphinx_theme"
html_title = "physent"
html_static_path = ["_static"]
html_css_files = ["physent.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}
