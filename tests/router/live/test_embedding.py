"""The router inside of a service: the blocking form from any thread, and the fixtures for the service's own tests."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from router.blocking import BlockingRouter
from router.building import policy_of
from router.errors import BadRequest, LedgerError, NotDelivered
from router.live import Router
from router.request import ImageRequest
from router.testing import sandbox_settings

from .worlds import picture

if TYPE_CHECKING:
    from pathlib import Path


def unopened(folder: Path) -> BlockingRouter:
    return BlockingRouter(Router(sandbox_settings(folder), policy_of(None, {}), environ={}))


def test_a_service_without_an_event_loop_gets_images(tmp_path: Path) -> None:
    with unopened(tmp_path) as router:
        images = router.generate("a red bicycle", n=2)
        assert (len(images.pictures), images.state, images.simulated, str(images.size)) == (2, "ok", True, "1024x1024")
        assert router.record_outcome(images.request_id, verdict="accepted") is True
        assert router.record_outcome("img-unknown") is False
        edited = router.edit("make it blue", (picture(1024, 1024),), model="gpt-image-2")
        assert edited.model == "gpt-image-2"
        assert router.decide(ImageRequest("x", data_class="restricted")).choice is not None
    assert (tmp_path / "books.sqlite").is_file()


def test_any_thread_may_call_it(tmp_path: Path) -> None:
    with unopened(tmp_path) as router, ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda at: router.generate("a bicycle", idempotency_key=f"k{at % 4}"), range(12)))
    assert len({images.request_id for images in made}) == 4
    assert sum(images.replayed for images in made) == 8


def test_errors_reach_the_caller_as_they_are(tmp_path: Path) -> None:
    with unopened(tmp_path) as router:
        with pytest.raises(NotDelivered) as refused:
            router.generate("sandbox:refuse a bicycle")
        assert refused.value.state == "refused"
        with pytest.raises(BadRequest):
            router.generate("a bicycle", n=99)
        with pytest.raises(BadRequest, match="Decimal"):
            router.generate("a bicycle", max_usd=0.05)
        with pytest.raises(NotDelivered):
            router.generate("a bicycle", max_usd=Decimal(0))


def test_a_router_that_is_not_open_says_so_instead_of_waiting_for_ever(tmp_path: Path) -> None:
    router = unopened(tmp_path)
    with pytest.raises(RuntimeError, match="not open"):
        router.generate("a bicycle")
    router.close()
    with router:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        router.decide(ImageRequest("a bicycle"))
    router.close()


def test_a_hook_that_would_wait_for_itself_is_told(tmp_path: Path) -> None:
    told: list[str] = []

    with unopened(tmp_path) as router:
        def hook(_: object) -> None:
            try:
                router.decide(ImageRequest("x"))
            except RuntimeError as error:
                told.append(str(error))
        router.router.hooks.append(hook)
        router.generate("a bicycle")
    assert told
    assert all("own loop" in text for text in told)


def test_settings_that_cannot_be_opened_leave_no_thread_behind(tmp_path: Path) -> None:
    (tmp_path / "books.sqlite").mkdir()
    with pytest.raises(LedgerError, match="ledger"), unopened(tmp_path):
        pass
    assert [thread for thread in threading.enumerate() if thread.name == "breakeven-router"] == []


SERVICE_TEST = """
import pytest
from router.errors import NotDelivered

pytest_plugins = ["router.testing"]


def test_my_service(image_router_events, image_router, tmp_path):
    images = image_router.generate("a red bicycle")
    assert images.simulated and images.pictures[0].format == "png"
    assert (tmp_path / "books.sqlite").is_file()
    assert image_router_events[0] == "request_decided" and image_router_events[-1] == "request_closed"
    assert image_router.generate("x", idempotency_key="a").request_id == (
        image_router.generate("x", idempotency_key="a").request_id)


def test_trouble(image_router):
    with pytest.raises(NotDelivered) as refused:
        image_router.generate("sandbox:refuse a bicycle")
    assert refused.value.state == "refused"


def test_async(unopened_image_router):
    import asyncio

    async def story():
        async with unopened_image_router as router:
            return await router.generate("a red bicycle", segment="hero")

    assert asyncio.run(story()).model.startswith("gpt-image-2")
"""


@pytest.mark.timeout(150)
def test_a_service_s_own_tests_run_with_the_fixtures_and_without_a_warning(tmp_path: Path) -> None:
    (tmp_path / "test_service.py").write_text(SERVICE_TEST)
    ran = subprocess.run([sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p",
                          "no:xdist", str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, timeout=100,
                         check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 passed" in ran.stdout
    assert "warning" not in ran.stdout


def test_a_job_from_code_without_a_loop(tmp_path: Path) -> None:
    with unopened(tmp_path) as router:
        job = router.submit(ImageRequest("a red bicycle"), idempotency_key="order-17")
        assert router.submit(ImageRequest("a red bicycle"), idempotency_key="order-17").row.id == job.row.id
        deadline = time.monotonic() + 20
        while not job.is_over and time.monotonic() < deadline:
            time.sleep(0.02)
            job = router.job(job.row.id) or job
        assert job.row.state == "done"
        images = router.job_images(job)
        assert images is not None
        assert images.pictures[0].as_bytes().startswith(b"\x89PNG")
        assert router.cancel_job(job.row.id) == router.job(job.row.id)
        assert router.job("img-0") is None
