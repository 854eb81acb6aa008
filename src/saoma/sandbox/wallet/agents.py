"""Which phone the toy wallet plays: the User-Agent it sends, and whether the page finds a bridge.

The telling parts are those of captured strings; the rest is a plausible frame. One Hong Kong string also holds the
mainland token, because real ones do and careless partners fall for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Agent:
    """One kind of phone. `text` empty means the browser's own User-Agent; `bridge`: is there an `AlipayJSBridge`."""

    name: str
    label: str
    text: str
    bridge: bool


_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
)
_ANDROID = (
    "Mozilla/5.0 (Linux; U; Android 15; toy phone) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/105.0.5195.148 MYWeb/1.3.126 UWS/3.22.2 UCBrowser/3.22.2 Mobile Safari/537.36 NebulaSDK/1.8.100112 Nebula"
)

#: The phones to choose from, the first is the default. Tokens: see
#: https://global.alipay.com/docs/ac/restaurant/restaurantintegration (the User-Agent decides).
AGENTS: Final = (
    Agent(
        "ios",
        "Alipay on iPhone",
        f"{_IPHONE} Ariver/1.1.0 AliApp(AP/10.7.20.6000) Nebula WK RVKType(1) AlipayDefined(nt:WIFI,ws:360|676|3.0) "
        "AlipayClient/10.7.20.6000 Alipay Language/{language} Region/CN NebulaX/1.0.0",
        bridge=True,
    ),
    Agent(
        "android",
        "Alipay on Android",
        f"{_ANDROID} AlipayDefined(nt:WIFI,ws:360|0|3.0) AliApp(AP/10.7.20.8000) AlipayClient/10.7.20.8000 "
        "Language/{language} useStatusBar/true isConcaveScreen/false Region/CN",
        bridge=True,
    ),
    Agent(
        "hk",
        "AlipayHK",
        f"{_ANDROID} AlipayDefined(nt:WIFI,ws:360|0|3.0) AliApp(APHK/6.3.0.160) AlipayClientHK/6.3.0.160 "
        "Language/zh-HK useStatusBar/true isConcaveScreen/false Region/HK",
        bridge=True,
    ),
    Agent(
        "hk-mixed",
        "AlipayHK that also names the mainland app",
        f"{_ANDROID} AlipayDefined(nt:WIFI,ws:360|0|3.0) AliApp(APHK/6.3.0.160) AlipayClientHK/6.3.0.160 "
        "AlipayClient/10.7.20.8000 Language/zh-HK Region/HK",
        bridge=True,
    ),
    Agent(
        "wechat",
        "WeChat",
        f"{_IPHONE} MicroMessenger/8.0.60 NetType/WIFI Language/zh_CN",
        bridge=False,
    ),
    Agent("browser", "The phone's own browser", "", bridge=False),
)


def usual_agent(*, hk: bool) -> str:
    """Which phone a buyer's wallet is while nobody chose another."""
    return "hk" if hk else AGENTS[0].name


def agent_of(name: str, language: str) -> Agent:
    """The phone called `name` (the first when unknown), speaking the wallet's `language` (`en` or `zh`)."""
    found = next((agent for agent in AGENTS if agent.name == name), AGENTS[0])
    spoken = "zh-Hans" if language == "zh" else "en"
    return Agent(found.name, found.label, found.text.replace("{language}", spoken), found.bridge)
