"""The words of station names and addresses that say nothing of the place, and those that say the same thing."""

from __future__ import annotations

import re

DEPARTMENT_WORDS = re.compile(
    "益农信息服务社|益农信息社|益农社|农村电子商务服务站|电子商务服务站|农村电商服务站|电商综合服务站|电商服务站|电商服务点|电商站|电商点"
    "|邮政综合便民服务站|综合便民服务站|便民服务中心|便民服务站|便民站|便民点|村级寄递服务点|寄递物流综合服务站|寄递服务点|寄递点"
    "|邮政服务点|邮政所|邮快合作点|村邮站|邮站|村村旺服务站|村村旺|供销综合服务社|供销社综合服务社|供销社|综合服务社|综合服务站"
    "|服务网点|服务站|服务点|服务社|网点|新址"
)
"""What departments call their stations: the same over every village, so it tells nothing of the door."""

OFFICE_WORDS = re.compile(
    "(?<![老原旧])(?:村委会办公楼|居委会办公楼|社区居委会|村委会|居委会|党群服务中心|便民服务中心|便民服务大厅|村办公楼|村办公室"
    "|社区办公室|办公楼|办公室|村公所|村活动室|村委|居委|村部)"
)
"""Names of the one public building of a village; 老村公所 and 原村委会 are other buildings."""
OFFICE = "村委"

ASIDE = re.compile("斜对面|对面|对门|隔壁|旁边|旁|附近|侧|(?<=[路河库塘田])边|桥头|路口|场口|村口")
"""Beside something, not in it: 村委会旁 is the shop next door, 水库边 is no building."""
INSIDE = re.compile("进门右手边|院内|楼内|内|里面|[0-9一二三]楼|大厅|大门|进门|门口")

TOWNSHIP_ENDING = re.compile("(街道办事处|街道|镇|乡)$")
VILLAGE_ENDING = re.compile("(村村民委员会|社区居民委员会|村民委员会|居民委员会|社区|村)$")
VILLAGE_KINDS = ("村村民委员会", "社区居民委员会", "村民委员会", "居民委员会", "社区", "村")

GROUP = re.compile("第?([0-9]{1,2})(?:村民小组|居民小组|小组|组|社(?!区)|队)")
ROAD = re.compile("([\u4e00-\u9fff]{1,4}?(?:大道|路|街|巷))(?:([0-9]{1,4})号)?")
DOOR = re.compile("([0-9]{1,4})号")
ONES = "一二三四五六七八九"
NUMERAL = f"(?:[{ONES}]?十[{ONES}]?|[{ONES}])"
NUMERALS = re.compile(f"(?<=第){NUMERAL}|{NUMERAL}(?=村民小组|居民小组|小组|组|社(?!区)|队|楼)")
SPACE = re.compile(r"\s+")
NOT_TEXT = re.compile("[^0-9A-Za-z\u3400-\u9fff\U00020000-\U0003ffff]+")
SHOP_ENDING = re.compile("(便利店|超市|商店|副食店|商行|门市部|门市|店|站)$")
SHORTEST_MARK = 2
