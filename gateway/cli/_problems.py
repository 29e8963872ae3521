"""A problem in the reader's language.

Problems are made in English, where the fault is found; the installer's Chinese comes from this
table, so that no checker needs to know two languages.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.cli._say import language
from gateway.document import Problem

_HINT: Final = re.compile(r"; (?:did you mean '(?P<one>[^']*)'\?|known: (?P<all>.*))", re.DOTALL)

_CHINESE: Final = [
    (re.compile(pattern, re.DOTALL), chinese)
    for pattern, chinese in (
        # files and YAML
        (r"no such file", "没有这个文件"),
        (r"no such file: (.*)", "没有这个文件:{0}"),
        (r"no such folder: (.*)", "没有这个文件夹:{0}"),
        (r"can not be read: (.*)", "无法读取:{0}"),
        (r"larger than ([\d,]+) bytes; split it", "超过 {0} 字节,请拆分"),
        (r"not UTF-8; save the file with encoding UTF-8", "不是 UTF-8 编码,请另存为 UTF-8"),
        (r"not YAML: a tab; indent with spaces", "YAML 不允许用 Tab 缩进,请改用空格"),
        (r"not YAML: the indentation does not fit .*", "YAML 格式有误:缩进与上面各行不一致"),
        (r"not YAML: no ':' can stand here; .*", "YAML 格式有误:此处不能有冒号,请检查缩进和上一行"),
        (r"not YAML: did not find expected (.*)", "YAML 格式有误:此处应为 {0},请检查缩进和括号"),
        (r"not YAML: (.*)", "YAML 格式有误:{0}"),
        (r"nested too deeply", "嵌套过深"),
        (r"'(.*)' is already set in line (\d+)", "{0} 在第 {1} 行已经写过"),
        (
            r"sections are expected, like site: and drivers:",
            "此处应为各个部分,例如 site: 和 drivers:",
        ),
        (r"tags are not allowed here \((.*)\)", "此处不允许使用标签({0})"),
        (r"a key must be one word", "名称必须是一个词"),
        # names and values
        (r"unknown section '(.*)'", "没有名为 {0} 的部分"),
        (r"unknown name '(.*)'", "没有名为 {0} 的选项"),
        (r"'(.*)' is missing", "缺少 {0}"),
        (r"(.*) is none of them", "{0} 不在可选范围内"),
        (r"(.*): names with values are expected here \(name: value\)", "{0}:此处应为 名称: 值"),
        (
            r"(\w+): entries are expected here \(NAME: \{type: …\}\)",
            "{0}:此处应为 名称: {{type: …}}",
        ),
        (
            r"a name has up to 40 letters, digits, .*",
            "名称最多 40 个字符,只能用字母、数字、_、- 和 .",
        ),
        (r"(.*): a text is expected \(a number in quotes\)", "{0}:应为文字(数字请加引号)"),
        (r"(.*): a path is expected", "{0}:应为路径"),
        (r"the name of a file is expected", "此处应为文件名"),
        (r"no file can be called that", "文件不能叫这个名称"),
        (r"(.*): a list is expected, like \[a, b\]", "{0}:应为列表,例如 [a, b]"),
        (r"(.*): (?:a whole number is expected|input should be a valid integer.*)", "{0}:应为整数"),
        (r"(.*): (?:a number is expected|input should be a valid number.*)", "{0}:应为数字"),
        (
            r"(.*): (?:true or false is expected|input should be a valid boolean.*)",
            "{0}:应为 true 或 false",
        ),
        (r"(.*): input should be less than or equal to (.*)", "{0}:不能大于 {1}"),
        (r"(.*): input should be greater than or equal to (.*)", "{0}:不能小于 {1}"),
        (r"(.*): input should be greater than (.*)", "{0}:必须大于 {1}"),
        (r"(.*): input should be less than (.*)", "{0}:必须小于 {1}"),
        (
            r"(.*) is no duration; write a number with a unit, like (.*)",
            "{0} 不是时长,请写数字加单位,例如 {1}",
        ),
        (
            r"(.*) is no size; write a number with a unit, like (.*)",
            "{0} 不是大小,请写数字加单位,例如 {1}",
        ),
        (
            r"a secret is written \{file: PATH\} or \{env: NAME\}, never as plain text",
            "密码等机密不能写明文,请写 {{file: 路径}} 或 {{env: 变量名}}",
        ),
        (
            r"holds a password; write it as \{file: PATH\} or \{env: NAME\}",
            "地址里含有密码,请改写为 {{file: 路径}} 或 {{env: 变量名}}",
        ),
        (r"must be longer than nothing and at most (.*)", "时长必须大于 0,且不超过 {0}"),
        (
            r"this machine knows no time zone '(.*)'; .*",
            "本机不认识时区 {0};请写 Asia/Shanghai 这样的名称,或安装 tzdata",
        ),
        (
            r"source must not hold a password; write url: .*",
            "source 里不能含密码,请改写为 url: {{file: 路径}},文件里写完整地址",
        ),
        (r"unknown value '(.*)'", "没有名为 {0} 的数值"),
        (
            r"device: (\S+) is no wildcard of '(.*)', which has (\d+); .*",
            "device:{1} 里有 {2} 个通配符,没有 {0};第一个写 {{1}},整个主题写 {{topic}}",
        ),
        # plugins, packs, cross-checks
        (r"there is no driver '(.*)'", "没有驱动 {0}"),
        (r"there is no sink '(.*)'", "没有数据出口 {0}"),
        (r"there is no notifier '(.*)'", "没有通知渠道 {0}"),
        (r"there is no notifier '(.*)'; none is configured", "没有通知渠道 {0}:一个也没有配置"),
        (r"there is no pack '(.*)'", "没有规则包 {0}"),
        (r"pack '(.*)' is named twice", "规则包 {0} 写了两次"),
        (r"'(.*)' is taken by the gateway itself", "{0} 是网关自己使用的名称"),
        (
            r"(.*) is already held by driver '(.*)'; the two would throw each other out",
            "{0} 已被驱动 {1} 占用,两者会互相顶掉",
        ),
        (r"no driver is configured: .*", "没有配置驱动:不会收到任何读数"),
        (r"no notifier is configured: .*", "没有配置通知渠道:出事时无人会得到通知"),
        (r"no registry: .*", "没有登记表:所有设备都是未知设备,也没有负责人"),
        (r"the console has no login yet: .*", "控制台尚无登录:网络上的任何人都能查看和办结事件"),
        (
            r"(\d+) devices belong to driver '(.*)', which is not configured",
            "有 {0} 台设备属于未配置的驱动 {1}",
        ),
        # rules
        (r"there is no kind '(.*)'", "没有设备种类 {0}"),
        (r"(\w+): a value is expected here, not 'the end'", "{0}:条件没有写完,此处应有一个数值"),
        (r"(\w+): a value is expected here, not '(.*)'", "{0}:此处应有一个数值,而不是 {1}"),
        (r"(\w+): unknown value '(.*)'", "{0}:没有名为 {1} 的数值"),
        (r"(\w+): this bracket is never closed", "{0}:括号没有闭合"),
        (r"(\w+): '(.*)' is not expected here", "{0}:此处不应出现 {1}"),
        (r"(\w+): '(.*)' is a full-width character; write '(.*)'", "{0}:{1} 是全角字符,请写 {2}"),
        (r"(\w+): '(.*)' is not understood.*", "{0}:不认识 {1}"),
        (r"(\w+): there is no function '(.*)'", "{0}:没有函数 {1}"),
        (r"a rule needs 'when' .*", "规则须有 when(条件)或 absent(静默)"),
        (r"'(.*)' is no rule name; .*", "{0} 不能作规则名,请用字母、数字和 _"),
        # registry
        (r"empty; the first row names the columns (.*)", "文件为空;第一行应为列名 {0}"),
        (
            r"the columns must be separated by commas \(save as CSV UTF-8\)",
            "各列须以英文逗号分隔(请另存为 CSV UTF-8)",
        ),
        (r"unknown column '(.*)'", "没有名为 {0} 的列"),
        (r"column '(.*)' is already column (\d+)", "列 {0} 与第 {1} 列重复"),
        (r"column '(.*)' \((.*)\) is missing", "缺少列 {0}({1})"),
        (r"a cell without a column name above it", "这一格上方没有列名"),
        (r"not CSV: (.*)", "CSV 格式有误:{0}"),
        (r"UTF-16; save it as CSV UTF-8", "是 UTF-16 编码,请另存为 CSV UTF-8"),
        (
            r"neither UTF-8 nor GBK; save it as CSV UTF-8",
            "既不是 UTF-8 也不是 GBK,请另存为 CSV UTF-8",
        ),
        (r"more than ([\d,]+) rows; split the registry", "超过 {0} 行,请拆分"),
        (r"… and (\d+) more problems", "……还有 {0} 处错误"),
        (r"(\w+) is empty", "{0} 为空"),
        (r"longer than (\d+) characters", "超过 {0} 个字符"),
        (r"holds characters that can not be printed", "含有不可显示的字符"),
        (
            r"the spreadsheet has rounded it to (.*); format the column as text",
            "表格软件已把它变成 {0},请把该列设为文本格式后重填",
        ),
        (
            r"(.*) is no (\w+): letters, digits and '_', '-' are allowed",
            "{0} 不能作 {1}:只能用字母、数字、_ 和 -",
        ),
        (r"unknown (level|kind|role|state|language) '(.*)'", "{0} 一列不认识 {1}"),
        (r"(.*) is no number", "{0} 不是数字"),
        (r"(.*) is not within (.*)", "{0} 不在 {1} 之内"),
        (r"(\w+) is missing; give both or neither", "缺少 {0};经纬度须同时填写"),
        (r"(\w+) (.*) is already in row (\d+)", "{0} {1} 与第 {2} 行重复"),
        (r"'(.*)' has no parent, but '(.*)' is the root", "{0} 没有上级,但最上级已经是 {1}"),
        (
            r"no place is the root: one row must have an empty parent",
            "没有最上级:必须有一行的上级为空",
        ),
        (r"there is no place '(.*)'; places.csv has all codes", "没有地点 {0},编码见 places.csv"),
        (r"there is no place '(.*)'", "没有地点 {0}"),
        (r"'(.*)' does not extend its parent's code '(.*)'", "{0} 不是在上级编码 {1} 之后续写的"),
        (r"a (\w+) can not lie below a (\w+)", "{0} 不能在 {1} 之下"),
        (r"'(.*)' is no range; write name:low\.\.high", "{0} 不是范围,请写 名称:下限..上限"),
        (r"(\w+) has no number '(.*)'", "{0} 没有数值 {1}"),
        (r"'(.*)' has two ranges", "{0} 有两个范围"),
        (r"no phone number; write digits, like (.*)", "不是电话号码,例如 {0}"),
        (
            r"nobody is named for '(.*)' \((.*)\), the root: one person must be",
            "最上级 {0}({1})没有任何负责人,至少要有一人",
        ),
        (
            r"grid '(.*)' \((.*)\) has no (.*), nor has a place above it",
            "网格 {0}({1})及其上级都没有 {2}",
        ),
    )
]


def sentence(problem: Problem) -> str:
    """``file:line:column: message``, in Chinese where the reader wants it and the table has it."""
    if language() != "zh":
        return str(problem)
    return str(problem._replace(message=in_chinese(problem.message)))


def in_chinese(message: str) -> str:
    """``message`` by the table; as it is where the table has nothing."""
    hint = _HINT.search(message)
    head = message[: hint.start()] if hint else message
    tail = ""
    if hint and hint["one"] is not None:
        rest = message[hint.end() :].replace("; for others write", "其他数值请写")
        tail = f";是不是想写 {hint['one']}?{rest}"
    elif hint:
        tail = f";可用的有:{hint['all']}"
    for pattern, chinese in _CHINESE:
        if (found := pattern.fullmatch(head)) is not None:
            return chinese.format(*found.groups()) + tail
    return message
