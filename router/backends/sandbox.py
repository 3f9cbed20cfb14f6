"""The simulator: answers in a vendor's place, about as slowly, with a placeholder that says what it is. Never billed.

Words in a prompt make it misbehave, so that a service can rehearse: `sandbox:refuse`, `sandbox:fail`, `sandbox:busy`,
`sandbox:empty`, `sandbox:hang`.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import math
import random
from typing import TYPE_CHECKING

from ..attempts import Kind, Refusal
from ..pictures import Picture, read_picture
from .protocol import Diagnosis, Reply, Trouble

if TYPE_CHECKING:
    from ..settings import BackendSettings
    from .protocol import Job, Watcher

__all__ = ["SandboxBackend", "draw_placeholder"]

_Z95 = 1.6448536269514722
_HANG_S = 3600.0
_REHEARSALS = {
    "sandbox:refuse": Reply(Kind.REFUSED, code="moderation_blocked", refusal=Refusal("moderation_blocked")),
    "sandbox:fail": Reply(Kind.FAILED, code="500", trouble=Trouble.OUTAGE),
    "sandbox:busy": Reply(Kind.NOT_STARTED, code="429", trouble=Trouble.BUSY, retry_after_s=1.0),
    "sandbox:empty": Reply(Kind.BAD_ANSWER, code="no_images", possibly_billed=True),
}


class SandboxBackend:
    """One vendor, simulated: its latencies are a lognormal through the vendor's p50 and p95, seeded by the attempt."""

    def __init__(self, settings: BackendSettings) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        """The name it has in the settings."""
        return self._settings.name

    async def make(self, job: Job, watcher: Watcher) -> Reply:
        """Wait as long as the vendor would, then draw."""
        chance = random.Random(job.attempt_id)
        hangs = "sandbox:hang" in job.request.prompt
        await asyncio.sleep(_HANG_S if hangs else self._seconds(chance, job.lane) * self._settings.time_scale)
        for word, reply in _REHEARSALS.items():
            if word in job.request.prompt:
                return reply
        for index in range(job.request.partial_images):
            await watcher.partial(index, await asyncio.to_thread(draw_placeholder, job, index, backend=self.name))
        pictures = [await asyncio.to_thread(draw_placeholder, job, index, backend=self.name) for index in range(job.n)]
        return Reply(Kind.OK, tuple(pictures), request_id=f"sandbox-{job.attempt_id}")

    async def collect(self, provider_job: str, job: Job) -> Reply:
        """Nothing outlives the process."""
        del provider_job, job
        return Reply(Kind.FAILED, code="not_collectable")

    async def diagnose(self) -> Diagnosis:
        """It always works."""
        return Diagnosis(works=True, facts={"simulated": "yes: no key, no cost, placeholder pictures"})

    async def close(self) -> None:
        """Nothing to let go of."""

    def _seconds(self, chance: random.Random, lane: str) -> float:
        vendor = self._settings.vendor
        p50_s, p95_s = vendor.p50_s, vendor.p95_s
        if lane == "batch" and vendor.batch_p50_s and vendor.batch_p95_s:
            p50_s, p95_s = vendor.batch_p50_s, vendor.batch_p95_s
        spread = math.log(p95_s / p50_s) / _Z95
        return p50_s * math.exp(spread * chance.gauss(0.0, 1.0))


def draw_placeholder(job: Job, index: int, *, backend: str) -> Picture:
    """A picture of the size and format asked for, which says SIMULATED and by what."""
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 (loaded with the first picture, not with the router)

    size = job.size
    digest = hashlib.sha256(f"{job.attempt_id} {index}".encode()).digest()
    shade = tuple(60 + byte // 2 for byte in digest[:3])
    canvas = Image.new("RGB", (size.width, size.height), shade)
    pen = ImageDraw.Draw(canvas)
    points = max(10, min(size.width, size.height) // 14)
    font = ImageFont.load_default(points)
    for line, text in enumerate(("SIMULATED", f"{backend} {job.wire_model} {job.quality}".strip(),
                                 f"{size} seed {job.request.seed or 0}", f"image {index + 1}")):
        pen.text((points, points * (1 + 1.5 * line)), text, fill="white", font=font)
    pen.rectangle((2, 2, size.width - 3, size.height - 3), outline="white", width=2)
    written = io.BytesIO()
    canvas.save(written, job.request.output_format.upper(), **({"compress_level": 1} if
                job.request.output_format == "png" else {}))
    return read_picture(written.getvalue(), is_base64=False)
