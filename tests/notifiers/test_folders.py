"""Each notifier as a folder: its sample and its README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from gateway.notifiers.aliyun_sms.options import Options as AliyunSmsOptions
from gateway.notifiers.dingtalk.options import Options as DingTalkOptions
from gateway.notifiers.feishu.options import Options as FeishuOptions
from gateway.notifiers.log.options import Options as LogOptions
from gateway.notifiers.sms_modem.options import Options as SmsModemOptions
from gateway.notifiers.webhook.options import Options as WebhookOptions
from gateway.notifiers.wecom.options import Options as WeComOptions
from gateway.notifiers.wecom_app.options import Options as WeComAppOptions
from gateway.options import PluginOptions

FOLDER = Path(__file__).parents[2] / "gateway" / "notifiers"
NOTIFIERS = [
    ("webhook", WebhookOptions),
    ("log", LogOptions),
    ("sms_modem", SmsModemOptions),
    ("aliyun_sms", AliyunSmsOptions),
    ("wecom", WeComOptions),
    ("wecom_app", WeComAppOptions),
    ("dingtalk", DingTalkOptions),
    ("feishu", FeishuOptions),
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
