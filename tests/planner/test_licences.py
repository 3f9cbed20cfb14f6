from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from planner.licences import load_licences
from router.errors import TableError

DATA = Path(__file__).parents[2] / "data"
LICENCE = """[[licence]]
id = "one"
name = "A licence"
models = ["flux-2-dev"]
commercial = "bought"
verified = true
note = "Read."
source = "a page"
as_of = "2026"
"""


def test_no_price_is_known_for_a_flux_2_licence_and_absent_is_not_zero() -> None:
    licences = {licence.id: licence for licence in load_licences([DATA])}
    bought = licences["bfl-self-hosted-commercial"]
    assert bought.usd_per_month is None
    assert bought.included_images_per_month == 100_000
    assert bought.reporting is not None
    assert licences["apache-2.0"].usd_per_month == 0
    assert licences["apache-2.0"].commercial == "free"


def test_only_the_recollection_is_unverified_and_it_is_not_about_flux_2() -> None:
    unverified = [licence for licence in load_licences([DATA]) if not licence.verified]
    assert [licence.id for licence in unverified] == ["bfl-flux-1-dev-recollection"]
    assert unverified[0].models == ("flux-1-dev",)
    assert unverified[0].usd_per_image_beyond == Decimal("0.01")


@pytest.mark.parametrize(("text", "key", "line"), [
    (LICENCE.replace('source = "a page"\n', ""), "source", 1),
    (LICENCE.replace('"bought"', '"perhaps"'), "commercial", 5),
    (LICENCE + "usd_per_month = -1\n", "usd_per_month", 10),
    (LICENCE + "price = 1\n", "price", 10),
])
def test_a_bad_licence_is_refused_with_file_line_and_remedy(tmp_path: Path, text: str, key: str, line: int) -> None:
    path = tmp_path / "licences.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableError) as refusal:
        load_licences([tmp_path])
    assert (refusal.value.file, refusal.value.line, refusal.value.key) == (path, line, key)
