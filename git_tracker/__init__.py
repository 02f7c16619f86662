"""An issue tracker that lives inside any git repository: signed events in, everything else derived."""

__version__ = "0.1.0"
