"""What a model may make: each rule allows and refuses, with its numbers."""

from __future__ import annotations

from router.quantities import Size
from router.rules import fits_native_size, has_open_weights, licence_held, references_fit, text_is_reliable
from router.verdicts import Reason
from tests.tables import law


def test_flux_makes_four_megapixels_and_gpt_image_twice_that() -> None:
    flux, gpt = law().models.find("flux-2-dev"), law().models.find("gpt-image-2")
    assert fits_native_size(flux, Size(2048, 2048)).is_allowed
    assert fits_native_size(gpt, Size(3840, 2160)).is_allowed
    refused = fits_native_size(flux, Size(3840, 2160))
    assert refused.reason is Reason.TOO_LARGE
    assert str(refused) == "8,294,400 pixels asked, 4,194,304 at most"
    assert fits_native_size(gpt, Size(512, 512)).reason is Reason.TOO_SMALL


def test_references_are_counted() -> None:
    klein = law().models.find("flux-2-klein-4b")
    assert references_fit(klein, 4).is_allowed
    assert str(references_fit(klein, 5)) == "5 reference images asked, 4 at most"


def test_the_limit_on_words_is_policy_and_holds_for_flux_only() -> None:
    flux, gpt = law().models.find("flux-2-pro"), law().models.find("gpt-image-2")
    assert text_is_reliable(flux, 4, words_limit=4).is_allowed
    assert text_is_reliable(flux, 5, words_limit=4).reason is Reason.TEXT
    assert text_is_reliable(flux, 6, words_limit=6).is_allowed
    assert text_is_reliable(gpt, 80, words_limit=4).is_allowed


def test_closed_weights_never_run_on_own_gpus() -> None:
    assert has_open_weights(law().models.find("flux-2-pro")).reason is Reason.CLOSED_WEIGHTS
    assert has_open_weights(law().models.find("flux-2-klein-4b")).is_allowed


def test_dev_and_klein_9b_stay_locked_without_a_licence() -> None:
    for name in ("flux-2-dev", "flux-2-klein-9b", "flux-2-klein-base-9b"):
        card = law().models.find(name)
        assert licence_held(card, held=False).reason is Reason.NO_LICENCE
        assert licence_held(card, held=True).is_allowed
    assert licence_held(law().models.find("flux-2-klein-4b"), held=False).is_allowed
