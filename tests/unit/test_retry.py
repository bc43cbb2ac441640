"""When a failed operation is tried again."""

from __future__ import annotations

from archiver.errors import AuthError, RateLimited, SourceUnavailable
from archiver.liveperson.calls import RETRIES
from archiver.retry import retry_delay


def test_only_what_may_pass_is_tried_again_and_not_for_ever() -> None:
    assert retry_delay(AuthError("no"), 0, RETRIES) is None
    delays = [retry_delay(SourceUnavailable("down"), attempt, RETRIES) for attempt in range(7)]
    assert delays == [5.0, 10.0, 15.0, 120.0, 240.0, 480.0, None]
    assert retry_delay(RateLimited("slow", retry_after_s=7), 0, RETRIES) == 7
    assert retry_delay(RateLimited("slow", retry_after_s=86_400), 0, RETRIES) == 600
    assert retry_delay(RateLimited("slow"), 0, RETRIES, chance=0.0) == 1.0
