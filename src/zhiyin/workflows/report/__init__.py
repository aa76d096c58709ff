"""Pages that a person wants to read: what was measured of a bundle, and of two bundles side by side.

One file without script or network: the style of the service's pages, plots as inline SVG, every number also as
text.
"""

from zhiyin.workflows.report.page import page_of, report_in, write_page

__all__ = ["page_of", "report_in", "write_page"]
