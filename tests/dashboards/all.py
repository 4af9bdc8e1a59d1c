"""Every dashboard that ships."""

from typing import Final

from tests.dashboards.itself import ITSELF
from tests.dashboards.overview import OVERVIEW
from tests.dashboards.panels import Dashboard
from tests.dashboards.results import RESULTS
from tests.dashboards.target import TARGET

DASHBOARDS: Final[tuple[Dashboard, ...]] = (OVERVIEW, TARGET, ITSELF, RESULTS)
