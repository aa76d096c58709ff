"""The web pages: storefront, console and the snippet for other sites, shipped in the wheel without a build step.

Everything a browser runs is a file of our own, so the pages live under a policy that allows no other script.
"""

from zhiyin.service.pages.router import router

__all__ = ["router"]
