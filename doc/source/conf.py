# SPDX-License-Identifier: Apache-2.0
"""Sphinx. ``tox -e docs``, or ``sphinx-build -W -b html doc/source doc/build/html``."""

project = 'blockctl'
author = 'the contributors to blockctl'
project_copyright = 'Apache License 2.0'

extensions = ['sphinx.ext.graphviz']  # calls dot, of Debian's package graphviz
graphviz_output_format = 'svg'

html_theme = 'alabaster'
html_theme_options = {'page_width': '70em'}
exclude_patterns = []
