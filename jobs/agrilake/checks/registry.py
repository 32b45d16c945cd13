"""The named checks with their Chinese words. A contract may name these and no others."""

from __future__ import annotations

from agrilake.checks import areas, comparisons, dependent, identifiers
from agrilake.checks.model import NamedCheck, of_values

_ALL = (
    NamedCheck(
        name="credit_code",
        title="统一社会信用代码",
        reason="“{title}”填的是“{found}”，不是有效的统一社会信用代码：应为 18 位数字和大写字母"
        "（不含 I、O、S、V、Z），且末位校验码要对得上。",
        remedy="对照营业执照或登记证重新填写 18 位代码，单元格请先设为文本格式。",
        valid=of_values(identifiers.credit_code),
    ),
    NamedCheck(
        name="resident_id",
        title="公民身份号码",
        reason="“{title}”填的是“{found}”，不是有效的公民身份号码：应为 18 位，出生日期真实存在，且末位校验码要对得上。",
        remedy="对照身份证或户口簿重新填写 18 位号码，单元格请先设为文本格式。",
        valid=of_values(identifiers.resident_id),
    ),
    NamedCheck(
        name="mobile_phone",
        title="手机号码",
        reason="“{title}”填的是“{found}”，不是有效的手机号码：应为 1 开头的 11 位数字。",
        remedy="改为 11 位手机号码；一格只填一个号码，没有手机号可以不填的，请留空。",
        valid=of_values(identifiers.mobile_phone),
    ),
    NamedCheck(
        name="bank_card",
        title="银行卡号",
        reason="“{title}”填的是“{found}”，不是有效的银行卡号：应为 16 至 19 位数字，且末位校验码要对得上。",
        remedy="对照银行卡或存折重新填写卡号，单元格请先设为文本格式。",
        valid=of_values(identifiers.bank_card),
    ),
    NamedCheck(
        name="longitude",
        title="经度在本区范围内",
        reason="“{title}”填的是“{found}”，不在本区的经度范围（{longitudes}）内。",
        remedy="请核对坐标，经度和纬度不要填反，单位为度（十进制小数），坐标系按填报说明。",
        valid=of_values(comparisons.longitude),
    ),
    NamedCheck(
        name="latitude",
        title="纬度在本区范围内",
        reason="“{title}”填的是“{found}”，不在本区的纬度范围（{latitudes}）内。",
        remedy="请核对坐标，经度和纬度不要填反，单位为度（十进制小数），坐标系按填报说明。",
        valid=of_values(comparisons.latitude),
    ),
    NamedCheck(
        name="not_future",
        title="不晚于报送期",
        reason="“{title}”填的是“{found}”，晚于本次报送期的最后一天（{period_end}）。",
        remedy="请核对日期；确属以后发生的，请放到对应报送期的文件里再报。",
        valid=of_values(comparisons.not_future),
    ),
    NamedCheck(
        name="division_known",
        title="区划代码存在",
        reason="“{title}”填的是“{found}”，在区划表里找不到。",
        remedy="改为 12 位统计区划代码，或填“镇（街道）+村（社区）”全称。",
        valid=of_values(comparisons.division_known),
    ),
    NamedCheck(
        name="not_before",
        title="时间先后",
        reason="“{title}”填的是“{found}”，早于“{other}”（{detail}）。",
        remedy="请核对“{title}”和“{other}”两列，把填反或填错的改过来。",
        valid=comparisons.not_before,
        explain=comparisons.other_value,
    ),
    NamedCheck(
        name="not_above",
        title="不大于",
        reason="“{title}”填的是“{found}”，大于“{other}”（{detail}）。",
        remedy="请核对“{title}”和“{other}”两列，把填反或填错的改过来。",
        valid=comparisons.not_above,
        explain=comparisons.other_value,
    ),
    NamedCheck(
        name="sum_equals",
        title="分项之和等于合计",
        reason="“{total}”填的是“{found}”，与分项（{columns}）之和 {detail} 不一致。",
        remedy="请核对“{total}”和各分项，改到相等为止。",
        valid=comparisons.sum_equals,
        explain=comparisons.sum_value,
    ),
    NamedCheck(
        name="own_district",
        title="编码属于本区",
        reason="“{title}”填的是“{found}”，前 6 位不是本区的代码（{district}），这是外区县的编码。",
        remedy="请核对编码；确属外区县的，请从本表删去，由当地报送。",
        valid=of_values(dependent.own_district),
    ),
    NamedCheck(
        name="within_division",
        title="编码与所在村一致",
        reason="“{title}”填的是“{found}”，前 12 位与“{other}”（{detail}）不是同一个村。",
        remedy="请对照登记簿核对编码和“{other}”，把填错的改过来；前 12 位用统计代码或民政代码都可以。",
        valid=dependent.within_division,
        explain=comparisons.other_value,
    ),
    NamedCheck(
        name="range_by",
        title="数值在合理范围内",
        reason="“{title}”填的是“{found}”，超出这一“{by}”的合理范围（{detail}）。",
        remedy="请核对数值、单位和“{by}”；设备故障时的读数请删去。",
        valid=dependent.range_by,
        explain=dependent.range_text,
    ),
    NamedCheck(
        name="ratio_by",
        title="平均数在常见范围内",
        reason="“{title}”填的是“{found}”，除以“{per}”平均为 {detail}。",
        remedy="请核对“{title}”和“{per}”的数值和单位；确实如此的不用改。",
        valid=dependent.ratio_by,
        explain=dependent.ratio_text,
    ),
    NamedCheck(
        name="goes_with",
        title="两列相配",
        reason="“{title}”填的是“{found}”，与“{by}”不相配，应为“{detail}”。",
        remedy="请核对“{title}”和“{by}”；换算成“{detail}”的，数值也要一起换算。",
        valid=dependent.goes_with,
        explain=dependent.wanted_value,
    ),
    NamedCheck(
        name="agrees_with_limit",
        title="结论与检测值相符",
        reason="“{title}”填的是“{found}”，与数值对不上：“{value}”和“{limit}”分别是 {detail}。",
        remedy="“{value}”不大于“{limit}”的才是合格；请对照检验报告，把填错的改过来。",
        valid=dependent.agrees_with_limit,
        explain=dependent.measured,
    ),
    NamedCheck(
        name="polygon",
        title="是 GeoJSON 的面",
        reason="“{title}”填的是“{found}”，不是 GeoJSON 的面（Polygon 或 MultiPolygon）：{detail}。",
        remedy="请从地图软件导出 GeoJSON，一格填一个完整的面，每个环首尾坐标相同；单元格装不下的请用 CSV 报送。",
        valid=of_values(areas.polygon),
        explain=areas.polygon_problem,
    ),
    NamedCheck(
        name="simple_polygon",
        title="边界不自相交",
        reason="“{title}”填的是“{found}”，边界自相交或重叠{detail}。",
        remedy="请在地图软件里检查拓扑（修复几何）后重新导出。",
        valid=of_values(areas.simple_polygon),
        explain=areas.crossing,
    ),
    NamedCheck(
        name="inside_district",
        title="范围在本区内",
        reason="“{title}”填的是“{found}”，{detail}；按“{crs}”换算后应在经度 {longitudes}、纬度 {latitudes}之内。",
        remedy="请核对“{crs}”和导出时的坐标系；坐标先经度后纬度，平面坐标先东后北、不加带号。",
        valid=areas.inside_district,
        explain=areas.misplaced,
    ),
)

CHECKS: dict[str, NamedCheck] = {check.name: check for check in _ALL}
