import base64
from pathlib import Path

import pytest

from infrastructure.settings import SettingsError, load_settings


@pytest.fixture(autouse=True)
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIERLINE_HOME")


def test_nothing_set_means_the_embedded_stack_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.home == tmp_path / ".tierline"
    assert (settings.database_url, settings.redis_url, settings.broker_url, settings.opensearch_url) == (None,) * 4
    assert (settings.host, settings.port, settings.clock) == ("127.0.0.1", 8080, "system")


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("TIERLINE_PORT", "80800", "TIERLINE_PORT is '80800': Input should be less than or equal to 65535"),
        ("TIERLINE_CLOCK", "sundial", "TIERLINE_CLOCK is 'sundial': Input should be 'system' or 'manual'"),
        ("TIERLINE_DATABASE_URL", "mysql://root:secret@h", "TIERLINE_DATABASE_URL is (not shown): must start with"),
        ("TIERLINE_REDIS_URL", "localhost:6379", "TIERLINE_REDIS_URL is (not shown): must start with redis://"),
        ("TIERLINE_MESSAGES_URL", "https://u:secret@h/", "needs TIERLINE_MESSAGES_SECRET beside it"),
        ("TIERLINE_MESSAGES_URL", "sms.secret", "TIERLINE_MESSAGES_URL is (not shown): must start with http://"),
        ("TIERLINE_MESSAGES_URL", "https://:443/", "TIERLINE_MESSAGES_URL is (not shown): must name a host"),
        ("TIERLINE_MESSAGES_URL", "https://a..b/", "TIERLINE_MESSAGES_URL is (not shown): must name a host"),
        ("TIERLINE_MESSAGES_URL", "https://[::1/", "TIERLINE_MESSAGES_URL is (not shown): must name a host"),
        ("TIERLINE_MESSAGES_SECRET", "whsec_secret", "TIERLINE_MESSAGES_SECRET is (not shown): must be 24 to 64"),
        ("TIERLINE_MESSAGES_MAX_AGE", "1 week", "TIERLINE_MESSAGES_MAX_AGE is '1 week': must be a span"),
        ("TIERLINE_MASTER_KEY", "c2hvcnQ=", "TIERLINE_MASTER_KEY is (not shown): must be 32 random bytes in base64"),
    ],
)
def test_a_wrong_value_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert sentence in str(error.value)
    assert "secret" not in str(error.value)


def test_the_age_of_messages_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().messages_max_age.micros == 86_400_000_000
    monkeypatch.setenv("TIERLINE_MESSAGES_MAX_AGE", "90 minutes")
    assert load_settings().messages_max_age.micros == 5_400_000_000


def test_a_manual_clock_is_refused_with_servers_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERLINE_CLOCK", "manual")
    assert load_settings().clock == "manual"
    monkeypatch.setenv("TIERLINE_REDIS_URL", "redis://h:1/0")
    with pytest.raises(SettingsError, match="unset TIERLINE_REDIS_URL, or the manual clock"):
        load_settings()


def test_secrets_are_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERLINE_DATABASE_URL", "postgresql://u:hidden@h/d")
    monkeypatch.setenv("TIERLINE_ADMIN_KEY", "hidden")
    monkeypatch.setenv("TIERLINE_MESSAGES_URL", "https://hidden@h/")
    monkeypatch.setenv("TIERLINE_MESSAGES_SECRET", base64.b64encode(b"hidden" * 5).decode())
    monkeypatch.setenv("TIERLINE_MASTER_KEY", base64.b64encode(b"hidden" * 5 + b"..").decode())
    settings = load_settings()
    assert "hidden" not in repr(settings)
    assert settings.master_key_bytes() == b"hidden" * 5 + b".."
