"""What Aliyun's error codes mean, and whether the same message may pass later."""

from __future__ import annotations

from typing import Final, NamedTuple

_SOON: Final = 65.0
_HOUR: Final = 3_600.0


class Meaning(NamedTuple):
    """``again``: seconds after which it may be tried again; None: never in this form."""

    words: str
    again: float | None = None


CODES: Final[dict[str, Meaning]] = {
    "isv.BUSINESS_LIMIT_CONTROL": Meaning("this number has had its share of messages", _HOUR),
    "isv.DAY_LIMIT_CONTROL": Meaning("the account's limit for a day is reached", _HOUR),
    "isv.MONTH_LIMIT_CONTROL": Meaning("the account's limit for a month is reached", _HOUR),
    "isv.OUT_OF_SERVICE": Meaning("the account is suspended; pay its balance", _HOUR),
    "isv.AMOUNT_NOT_ENOUGH": Meaning("the account's balance is used up; pay it", _HOUR),
    "isv.MOBILE_NUMBER_ILLEGAL": Meaning("this is no phone number"),
    "isv.MOBILE_COUNT_OVER_LIMIT": Meaning("too many numbers at once"),
    "isv.TEMPLATE_MISSING_PARAMETERS": Meaning("the template has variables that are not given"),
    "isv.TEMPLATE_PARAMS_ILLEGAL": Meaning("a variable does not fit the template's rule for it"),
    "isv.INVALID_JSON_PARAM": Meaning("the variables are malformed"),
    "isv.PARAM_LENGTH_LIMIT": Meaning("a variable is too long; lower longest"),
    "isv.PARAM_NOT_SUPPORT_URL": Meaning("a variable holds an address of the web"),
    "isv.BLACK_KEY_CONTROL_LIMIT": Meaning("a variable holds a forbidden word"),
    "isv.SMS_TEMPLATE_ILLEGAL": Meaning("there is no approved template of this code"),
    "isv.SMS_SIGNATURE_ILLEGAL": Meaning("there is no approved signature of this name"),
    "isv.INVALID_PARAMETERS": Meaning("a parameter is malformed"),
    "isv.PRODUCT_UN_SUBSCRIPT": Meaning("the account has not ordered text messages"),
    "isv.PRODUCT_UNSUBSCRIBE": Meaning("the account has not ordered text messages"),
    "isv.ACCOUNT_NOT_EXISTS": Meaning("there is no such account"),
    "isv.ACCOUNT_ABNORMAL": Meaning("the account is blocked"),
    "isv.DENY_IP_RANGE": Meaning("requests must come from the mainland of China"),
    "isp.RAM_PERMISSION_DENY": Meaning("the access key may not do this; grant it in RAM"),
    "isp.SYSTEM_ERROR": Meaning("a fault of the service", _SOON),
    "isp.UNKNOWN": Meaning("a fault of the service", _SOON),
    "isp.GATEWAY_ERROR": Meaning("a fault of the service", _SOON),
    "InvalidAccessKeyId.NotFound": Meaning("there is no such access key"),
    "InvalidAccessKeyId.Inactive": Meaning("the access key is switched off"),
    "SignatureDoesNotMatch": Meaning("the access key's secret is wrong"),
    "IncompleteSignature": Meaning("the access key's secret is wrong"),
    "InvalidTimeStamp.Expired": Meaning("this machine's clock is wrong", _SOON),
    "InvalidTimeStamp.Format": Meaning("this machine's clock is wrong", _SOON),
    "SignatureNonceUsed": Meaning("it was heard twice", 1.0),
    "ServiceUnavailable": Meaning("the service is away", _SOON),
    "InternalError": Meaning("a fault of the service", _SOON),
}
"""By ``Code``."""

_THROTTLED: Final = Meaning("too many requests", _SOON)
_WRONG: Final = Meaning("refused")
_FAULT: Final = Meaning("not taken", _SOON)


def meaning(code: str) -> Meaning:
    """Of a code that nobody has heard of: a wrong request where it begins as those do."""
    if code.startswith("Throttling"):
        return _THROTTLED
    known = CODES.get(code)
    return known or (_WRONG if code.startswith(("isv.", "Invalid", "Missing")) else _FAULT)
