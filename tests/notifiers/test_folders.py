"""Each notifier as a folder: its sample and its README."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml

from gateway.cli._past import fixtures
from gateway.clock import SystemClock
from gateway.config import Configured, load
from gateway.notifiers.aliyun_sms.options import Options as AliyunSmsOptions
from gateway.notifiers.apprise.options import Options as AppriseOptions
from gateway.notifiers.cap.options import Options as CapOptions
from gateway.notifiers.dingtalk.options import Options as DingTalkOptions
from gateway.notifiers.email.options import Options as EmailOptions
from gateway.notifiers.feishu.options import Options as FeishuOptions
from gateway.notifiers.log.options import Options as LogOptions
from gateway.notifiers.sms_modem.options import Options as SmsModemOptions
from gateway.notifiers.webhook.options import Options as WebhookOptions
from gateway.notifiers.wecom.options import Options as WeComOptions
from gateway.notifiers.wecom_app.options import Options as WeComAppOptions
from gateway.options import PluginOptions
from gateway.plugins import notifier
from gateway.ports import Unavailable
from tests.notifiers.test_webhook import NOTIFICATION

FOLDER = Path(__file__).parents[2] / "gateway" / "notifiers"
NOTIFIERS = [
    ("sms_modem", SmsModemOptions),
    ("aliyun_sms", AliyunSmsOptions),
    ("wecom", WeComOptions),
    ("wecom_app", WeComAppOptions),
    ("dingtalk", DingTalkOptions),
    ("feishu", FeishuOptions),
    ("apprise", AppriseOptions),
    ("cap", CapOptions),
    ("email", EmailOptions),
    ("log", LogOptions),
    ("webhook", WebhookOptions),
]


@pytest.mark.parametrize(("name", "options"), NOTIFIERS)
def test_the_sample_is_valid_and_stands_in_the_readme(
    name: str, options: type[PluginOptions]
) -> None:
    sample = (FOLDER / name / "sample.yaml").read_text(encoding="utf-8")
    [given] = yaml.safe_load(sample)["notifiers"].values()
    assert given.pop("type") == name
    options.model_validate(given)
    assert sample in (FOLDER / name / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "options"), NOTIFIERS)
def test_every_option_is_in_the_readme(name: str, options: type[PluginOptions]) -> None:
    readme = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert set(options.model_fields) <= set(re.findall(r"(?m)^\| `(\w+)` \|", readme))


async def test_without_its_library_a_notifier_is_mute_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module, kind in (("aiosmtplib", "email"), ("apprise", "apprise")):
        monkeypatch.setitem(sys.modules, module, None)
        monkeypatch.delitem(sys.modules, f"gateway.notifiers.{kind}.notifier", raising=False)
    given = EmailOptions.model_validate({"host": "127.0.0.1", "tls": "none", "sender": "a@b.org"})
    mail = notifier("mail", Configured(type="email", options=given), SystemClock())
    with pytest.raises(Unavailable, match="email needs the Python package aiosmtplib, which is no"):
        await mail.tell(NOTIFICATION)
    file = tmp_path / "site.yaml"
    file.write_text(
        """site: {name: s}
notifiers:
  mail: {type: email, host: 127.0.0.1, tls: none, sender: a@b.org}
  push: {type: apprise, url: {env: NO_SUCH_URL}}
  platform: {type: cap, folder: cap, sender: a@b.org, categories: [life, facility]}
""",
        encoding="utf-8",
    )
    assert fixtures(load(file)) == {"notifier:platform": {"life", "facility"}}
