"""The code tables of GB/T 26875.3-2011, each code in Chinese and English. Pure data.

Reserved codes are left out; 128 to 255 are the user's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from gateway.model import Text


class Component(NamedTuple):
    """A component type, and the kind of device that it is here."""

    name: Text
    kind: str = "panel"


class Analog(NamedTuple):
    """An analog type: value = raw * ``times`` / ``over`` in ``unit``.

    ``kind`` is what a component is for that measures it and says nothing better of itself.
    """

    name: Text
    value: str
    unit: str
    times: int = 1
    over: int = 1
    kind: str = ""


COMMANDS: Final[Mapping[int, Text]] = {
    1: Text("控制命令", "control"),
    2: Text("发送数据", "send data"),
    3: Text("确认", "confirm"),
    4: Text("请求", "request"),
    5: Text("应答", "answer"),
    6: Text("否认", "deny"),
}
"""Table 2."""

DATA_TYPES: Final[Mapping[int, Text]] = {
    1: Text("上传建筑消防设施系统状态", "system state"),
    2: Text("上传建筑消防设施部件运行状态", "component state"),
    3: Text("上传建筑消防设施部件模拟量值", "component analog value"),
    4: Text("上传建筑消防设施操作信息", "system operation"),
    5: Text("上传建筑消防设施软件版本", "system software version"),
    6: Text("上传建筑消防设施系统配置情况", "system configuration"),
    7: Text("上传建筑消防设施部件配置情况", "component configuration"),
    8: Text("上传建筑消防设施系统时间", "system time"),
    21: Text("上传用户信息传输装置运行状态", "transmission device state"),
    24: Text("上传用户信息传输装置操作信息", "transmission device operation"),
    25: Text("上传用户信息传输装置软件版本", "transmission device software version"),
    26: Text("上传用户信息传输装置配置情况", "transmission device configuration"),
    28: Text("上传用户信息传输装置系统时间", "transmission device time"),
    61: Text("读建筑消防设施系统状态", "read system state"),
    62: Text("读建筑消防设施部件运行状态", "read component state"),
    63: Text("读建筑消防设施部件模拟量值", "read component analog value"),
    64: Text("读建筑消防设施操作信息", "read system operations"),
    65: Text("读建筑消防设施软件版本", "read system software version"),
    66: Text("读建筑消防设施系统配置情况", "read system configuration"),
    67: Text("读建筑消防设施部件配置情况", "read component configuration"),
    68: Text("读建筑消防设施系统时间", "read system time"),
    81: Text("读用户信息传输装置运行状态", "read transmission device state"),
    84: Text("读用户信息传输装置操作信息记录", "read transmission device operations"),
    85: Text("读用户信息传输装置软件版本", "read transmission device software version"),
    86: Text("读用户信息传输装置配置情况", "read transmission device configuration"),
    88: Text("读用户信息传输装置系统时间", "read transmission device time"),
    89: Text("初始化用户信息传输装置", "initialise transmission device"),
    90: Text("同步用户信息传输装置时钟", "set transmission device clock"),
    91: Text("查岗命令", "roll call"),
}
"""Table 3: up to 40 from the device, from 61 on from the centre."""

SYSTEMS: Final[Mapping[int, Text]] = {
    0: Text("通用", "general"),
    1: Text("火灾报警系统", "fire alarm system"),
    10: Text("消防联动控制器", "fire linkage controller"),
    11: Text("消火栓系统", "hydrant system"),
    12: Text("自动喷水灭火系统", "sprinkler system"),
    13: Text("气体灭火系统", "gas extinguishing system"),
    14: Text("水喷雾灭火系统(泵启动方式)", "water spray system (pump)"),
    15: Text("水喷雾灭火系统(压力容器启动方式)", "water spray system (pressure vessel)"),
    16: Text("泡沫灭火系统", "foam extinguishing system"),
    17: Text("干粉灭火系统", "dry powder extinguishing system"),
    18: Text("防烟排烟系统", "smoke control and exhaust system"),
    19: Text("防火门及卷帘系统", "fire doors and shutters"),
    20: Text("消防电梯", "fire lift"),
    21: Text("消防应急广播", "emergency broadcast"),
    22: Text("消防应急照明和疏散指示系统", "emergency lighting and evacuation signs"),
    23: Text("消防电源", "fire power supply"),
    24: Text("消防电话", "fire telephone"),
}
"""Table 4."""

COMPONENTS: Final[Mapping[int, Component]] = {
    0: Component(Text("通用", "general")),
    1: Component(Text("火灾报警控制器", "fire alarm controller")),
    10: Component(Text("可燃气体探测器", "combustible gas detector"), "gas"),
    11: Component(Text("点型可燃气体探测器", "point combustible gas detector"), "gas"),
    12: Component(Text("独立式可燃气体探测器", "stand-alone combustible gas detector"), "gas"),
    13: Component(Text("线型可燃气体探测器", "line combustible gas detector"), "gas"),
    16: Component(Text("电气火灾监控报警器", "electrical fire monitor")),
    17: Component(Text("剩余电流式电气火灾监控探测器", "residual current fire detector")),
    18: Component(Text("测温式电气火灾监控探测器", "electrical temperature fire detector"), "heat"),
    21: Component(Text("探测回路", "detector loop")),
    22: Component(Text("火灾显示盘", "fire display panel")),
    23: Component(Text("手动火灾报警按钮", "manual call point"), "panic"),
    24: Component(Text("消火栓按钮", "hydrant button"), "panic"),
    25: Component(Text("火灾探测器", "fire detector")),
    30: Component(Text("感温火灾探测器", "heat detector"), "heat"),
    31: Component(Text("点型感温火灾探测器", "point heat detector"), "heat"),
    32: Component(Text("点型感温火灾探测器(S型)", "point heat detector, type S"), "heat"),
    33: Component(Text("点型感温火灾探测器(R型)", "point heat detector, type R"), "heat"),
    34: Component(Text("线型感温火灾探测器", "line heat detector"), "heat"),
    35: Component(Text("线型感温火灾探测器(S型)", "line heat detector, type S"), "heat"),
    36: Component(Text("线型感温火灾探测器(R型)", "line heat detector, type R"), "heat"),
    37: Component(Text("光纤感温火灾探测器", "optical fibre heat detector"), "heat"),
    40: Component(Text("感烟火灾探测器", "smoke detector"), "smoke"),
    41: Component(Text("点型离子感烟火灾探测器", "point ionisation smoke detector"), "smoke"),
    42: Component(Text("点型光电感烟火灾探测器", "point photo-electric smoke detector"), "smoke"),
    43: Component(Text("线型光束感烟火灾探测器", "line beam smoke detector"), "smoke"),
    44: Component(Text("吸气式感烟火灾探测器", "aspirating smoke detector"), "smoke"),
    50: Component(Text("复合式火灾探测器", "combined fire detector"), "smoke"),
    51: Component(Text("复合式感烟感温火灾探测器", "combined smoke and heat detector"), "smoke"),
    52: Component(Text("复合式感光感温火灾探测器", "combined flame and heat detector"), "heat"),
    53: Component(Text("复合式感光感烟火灾探测器", "combined flame and smoke detector"), "smoke"),
    61: Component(Text("紫外火焰探测器", "ultraviolet flame detector"), "heat"),
    62: Component(Text("红外火焰探测器", "infrared flame detector"), "heat"),
    69: Component(Text("感光火灾探测器", "flame detector"), "heat"),
    74: Component(Text("气体探测器", "gas detector"), "gas"),
    78: Component(Text("图像摄像方式火灾探测器", "image fire detector")),
    79: Component(Text("感声火灾探测器", "acoustic fire detector")),
    81: Component(Text("气体灭火控制器", "gas extinguishing controller")),
    82: Component(Text("消防电气控制装置", "electrical fire control device")),
    83: Component(Text("消防控制室图形显示装置", "control room graphic display")),
    84: Component(Text("模块", "module")),
    85: Component(Text("输入模块", "input module")),
    86: Component(Text("输出模块", "output module")),
    87: Component(Text("输入/输出模块", "input and output module")),
    88: Component(Text("中继模块", "repeater module")),
    91: Component(Text("消防水泵", "fire pump")),
    92: Component(Text("消防水箱", "fire water tank"), "water"),
    95: Component(Text("喷淋泵", "sprinkler pump")),
    96: Component(Text("水流指示器", "water flow indicator")),
    97: Component(Text("信号阀", "signal valve")),
    98: Component(Text("报警阀", "alarm valve")),
    99: Component(Text("压力开关", "pressure switch")),
    101: Component(Text("阀驱动装置", "valve actuator")),
    102: Component(Text("防火门", "fire door")),
    103: Component(Text("防火阀", "fire damper")),
    104: Component(Text("通风空调", "ventilation and air conditioning")),
    105: Component(Text("泡沫液泵", "foam concentrate pump")),
    106: Component(Text("管网电磁阀", "pipe network solenoid valve")),
    111: Component(Text("防烟排烟风机", "smoke control and exhaust fan")),
    113: Component(Text("排烟防火阀", "smoke exhaust fire damper")),
    114: Component(Text("常闭送风口", "normally closed supply vent")),
    115: Component(Text("排烟口", "smoke vent")),
    116: Component(Text("电控挡烟垂壁", "electric smoke curtain")),
    117: Component(Text("防火卷帘控制器", "fire shutter controller")),
    118: Component(Text("防火门监控器", "fire door monitor")),
    121: Component(Text("报警装置", "alarm device")),
}
"""Table 5. A kind other than ``panel`` is one whose own ``alarm`` means what the fire bit says;
what starts, moves or relays is a component of the panel."""

ANALOGS: Final[Mapping[int, Analog]] = {
    1: Analog(Text("事件计数", "event count"), "extra.events", "1"),
    2: Analog(Text("高度", "height"), "level", "m", 1, 100, "water"),
    3: Analog(Text("温度", "temperature"), "temperature", "°C", 1, 10),
    4: Analog(Text("压力(MPa)", "pressure (MPa)"), "pressure", "kPa", 100, 1, "water"),
    5: Analog(Text("压力(kPa)", "pressure (kPa)"), "pressure", "kPa", 1, 10, "water"),
    6: Analog(Text("气体浓度", "gas concentration"), "lel", "%", 1, 10, "gas"),
    7: Analog(Text("时间", "time"), "extra.seconds", "s"),
    8: Analog(Text("电压", "voltage"), "voltage", "V", 1, 10, "power"),
    9: Analog(Text("电流", "current"), "current", "A", 1, 10, "power"),
    10: Analog(Text("流量", "flow"), "extra.flow", "L/s", 1, 10, "water"),
    11: Analog(Text("风量", "air volume"), "extra.air_volume", "m³/min", 1, 10),
    12: Analog(Text("风速", "air speed"), "extra.air_speed", "m/s"),
}
"""Table 6: a signed 16-bit number of the smallest unit each."""

UNIT: Final = Text("用户信息传输装置", "user information transmission device")


def model(code: int, name: Text | None) -> str:
    """What a device's model is called: the code with its name in both languages."""
    return f"{code} {name.zh} / {name.en}" if name is not None else str(code)


def component_name(code: int) -> Text | None:
    """The name of a component type; None for reserved ones and the user's own."""
    found = COMPONENTS.get(code)
    return found.name if found is not None else None
