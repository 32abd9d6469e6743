"""The one place that names the version of the Python package; a test keeps package.json in step with it."""

__version__ = "0.1.0"
