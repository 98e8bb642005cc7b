"""Scores that are no finite numbers."""

import math

INF, NAN = math.inf, math.nan
