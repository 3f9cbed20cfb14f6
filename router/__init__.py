"""Where a request goes: prices, service time and, as the package grows, decisions and dispatch.

Importing this package pulls in the standard library only.
"""

__version__ = "0.1.0"
