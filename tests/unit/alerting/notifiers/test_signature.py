"""Signatures as the specification's own example has them."""

import pytest

from alerting.notifiers.signature import SigningSecretError, signed_headers, signing_key

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_published_vector() -> None:
    """The vector that the reference libraries test themselves with comes out to the letter."""
    headers = signed_headers(
        [signing_key(SECRET)],
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_rotation_signs_with_every_key() -> None:
    """Two secrets, two signatures in their order, parted by a space."""
    keys = [signing_key(SECRET), b"other"]
    both = signed_headers(keys, message_id="m", timestamp=1, body=b"")["webhook-signature"]
    alone = [
        signed_headers([key], message_id="m", timestamp=1, body=b"")["webhook-signature"]
        for key in keys
    ]
    assert both == " ".join(alone)


def test_no_secret_no_signature() -> None:
    """An unsigned webhook carries its id and time, and no empty signature."""
    headers = signed_headers([], message_id="m", timestamp=1, body=b"")
    assert sorted(headers) == ["webhook-id", "webhook-timestamp"]


@pytest.mark.parametrize("secret", ["", "plain", "whsec_", "whsec_not base64!", "whsec_abc"])
def test_what_is_no_signing_secret_is_refused(secret: str) -> None:
    """A key is never guessed out of a text of another shape, nor repeated in the error."""
    with pytest.raises(SigningSecretError) as caught:
        signing_key(secret)
    assert caught.value.__cause__ is None
    assert "not base64!" not in str(caught.value)
