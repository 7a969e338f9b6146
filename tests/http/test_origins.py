import pytest

from backo.http.origins import check_origin
from backo.http.refusals import OriginError
from tests.http.fakes import FakeSource

TRUSTED = frozenset({"https://friend.org"})


@pytest.mark.parametrize(
    ("own", "headers"),
    [
        pytest.param("http://shop.org", {}, id="a-program"),
        pytest.param("http://shop.org", {"Origin": "http://shop.org"}, id="own"),
        pytest.param("http://shop.org", {"Origin": "HTTP://Shop.ORG"}, id="own-in-capitals"),
        pytest.param("http://shop.org:80", {"Origin": "http://shop.org"}, id="own-with-default-port"),
        pytest.param("https://shop.org:443", {"Origin": "https://shop.org"}, id="own-with-default-tls-port"),
        pytest.param("http://shop.org:8000", {"Origin": "http://shop.org:8000"}, id="own-port"),
        pytest.param("http://shop.org", {"Sec-Fetch-Site": "same-origin"}, id="same-origin"),
        pytest.param("http://shop.org", {"Sec-Fetch-Site": "same-site"}, id="same-site"),
        pytest.param("http://shop.org", {"Sec-Fetch-Site": "none"}, id="typed-by-the-user"),
        pytest.param("http://shop.org", {"Origin": "https://friend.org"}, id="trusted"),
        pytest.param(
            "http://shop.org",
            {"Origin": "https://friend.org", "Sec-Fetch-Site": "cross-site"},
            id="trusted-though-another-site",
        ),
        pytest.param(
            "http://shop.org",
            {"Origin": "https://shop.org", "Sec-Fetch-Site": "same-origin"},
            id="behind-a-proxy-that-ends-tls",
        ),
    ],
)
def test_requests_that_pass(own: str, headers: dict[str, str]) -> None:
    """What no other site can have sent, or a trusted one did, passes."""
    check_origin("POST", FakeSource(headers, own=own), TRUSTED)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PURGE"])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="cross-site"),
        pytest.param({"Sec-Fetch-Site": "cross-site", "Origin": "http://shop.org"}, id="cross-site-from-own"),
        pytest.param({"Origin": "https://evil.org"}, id="another"),
        pytest.param({"Origin": "https://shop.org"}, id="another-scheme"),
        pytest.param({"Origin": "http://shop.org:8000"}, id="another-port"),
        pytest.param({"Origin": "http://shop.org.evil.org"}, id="own-as-a-prefix"),
        pytest.param({"Origin": "http://evil.org/http://shop.org"}, id="own-as-a-suffix"),
        pytest.param({"Origin": "null"}, id="opaque"),
        pytest.param({"Origin": ""}, id="empty"),
        pytest.param({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, id="opaque-same-origin"),
        pytest.param({"Origin": "https://evil.org", "Sec-Fetch-Site": "same-origin"}, id="contradiction"),
        pytest.param({"Origin": "https://friend.org.evil.org"}, id="trusted-as-a-prefix"),
    ],
)
def test_requests_of_other_sites(method: str, headers: dict[str, str]) -> None:
    """An unsafe request of another site is refused."""
    with pytest.raises(OriginError):
        check_origin(method, FakeSource(headers, own="http://shop.org"), TRUSTED)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_requests(method: str) -> None:
    """A link on another site may lead here."""
    check_origin(method, FakeSource({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.org"}), TRUSTED)
