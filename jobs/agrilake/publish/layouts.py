"""The published tables beside the gold tables: what is known about the data itself."""

from __future__ import annotations

from agrilake.publish.model import Column, Layout


def _layout(name: str, title: str, *columns: tuple[str, str, str]) -> Layout:
    return Layout(name, title, tuple(Column(*column) for column in columns))


INDICATOR = _layout(
    "indicator",
    "指标",
    ("id", "VARCHAR", "指标编号"),
    ("name", "VARCHAR", "指标名称"),
    ("unit", "VARCHAR", "单位"),
    ("decimals", "INTEGER", "小数位数"),
    ("direction", "VARCHAR", "好的方向"),
    ("owner", "VARCHAR", "责任部门"),
    ("task", "VARCHAR", "规划任务"),
    ("description", "VARCHAR", "说明"),
    ("formula", "VARCHAR", "计算公式"),
    ("edition", "VARCHAR", "口径版本"),
    ("sort", "INTEGER", "排列次序"),
)
DELIVERY = _layout(
    "delivery",
    "报送批次",
    ("id", "VARCHAR", "批次编号"),
    ("dataset", "VARCHAR", "数据集"),
    ("title", "VARCHAR", "数据集名称"),
    ("department", "VARCHAR", "报送部门"),
    ("period", "VARCHAR", "报送期"),
    ("kind", "VARCHAR", "类别（全量或补正）"),
    ("revision", "INTEGER", "更正次数"),
    ("file_name_masked", "VARCHAR", "文件名（备注已遮盖）"),
    ("status", "VARCHAR", "状态"),
    ("records", "BIGINT", "记录数"),
    ("accepted", "BIGINT", "接收"),
    ("quarantined", "BIGINT", "隔离"),
    ("duplicate", "BIGINT", "重复"),
    ("received_at", "TIMESTAMP", "收到时间"),
)
QUARANTINE_SUMMARY = _layout(
    "quarantine_summary",
    "隔离情况",
    ("dataset", "VARCHAR", "数据集"),
    ("title", "VARCHAR", "数据集名称"),
    ("department", "VARCHAR", "报送部门"),
    ("period", "VARCHAR", "报送期"),
    ("rule", "VARCHAR", "规则"),
    ("reason", "VARCHAR", "问题"),
    ("count", "BIGINT", "记录数"),
)
HELD_TABLE = _layout(
    "held_table",
    "暂停更新的表",
    ("table", "VARCHAR", "表"),
    ("title", "VARCHAR", "名称"),
    ("held", "BOOLEAN", "是否暂停更新"),
    ("reason", "VARCHAR", "原因"),
    ("since_version", "BIGINT", "自哪一次发布起暂停"),
    ("shown_version", "BIGINT", "显示的是哪一次发布的数据"),
)
PUBLICATION = _layout(
    "publication",
    "本次发布",
    ("version", "BIGINT", "发布版本"),
    ("made_at", "TIMESTAMP", "发布时间"),
    ("lake_version", "BIGINT", "数据湖版本"),
    ("district_code", "VARCHAR", "区县代码"),
    ("district_name", "VARCHAR", "区县名称"),
)
LAYER = _layout(
    "layer",
    "地理图层",
    ("id", "VARCHAR", "图层编号"),
    ("title", "VARCHAR", "图层名称"),
    ("description", "VARCHAR", "说明"),
    ("geometry", "VARCHAR", "图形"),
    ("source", "VARCHAR", "来源表"),
    ("file", "VARCHAR", "文件"),
    ("rows", "BIGINT", "要素数"),
    ("estimated", "BIGINT", "其中推算范围"),
    ("left_out", "BIGINT", "未上图记录数"),
)
LAYER_LEFT_OUT = _layout(
    "layer_left_out",
    "未上图的记录",
    ("layer", "VARCHAR", "图层编号"),
    ("title", "VARCHAR", "图层名称"),
    ("key", "VARCHAR", "记录编号"),
    ("division_code", "VARCHAR", "区划代码"),
    ("reason", "VARCHAR", "原因"),
    ("delivery_id", "VARCHAR", "批次编号"),
    ("sheet", "VARCHAR", "工作表"),
    ("line", "BIGINT", "行号"),
)
CATALOGUE_TITLES = {
    "catalogue": "涉农信息资源目录",
    "catalogue_coverage": "资源覆盖情况（按镇街）",
    "catalogue_quality": "资源质量得分（按报送期）",
    "catalogue_overdue": "欠报清单",
    "catalogue_department": "各部门报送情况",
}
CATALOGUE_COLUMNS = {
    "dataset": "数据集",
    "title": "名称",
    "department": "部门代码",
    "department_title": "部门",
    "owner": "责任单位",
    "content": "内容",
    "frequency": "报送周期",
    "period": "报送期",
    "period_first": "最早报送期",
    "period_latest": "最新报送期",
    "periods_delivered": "已报期数",
    "periods_missing": "欠报期数",
    "due_on": "应报日期",
    "overdue": "是否逾期",
    "days_overdue": "逾期天数",
    "freshness_days": "距最新期末天数",
    "rows": "行数",
    "coverage": "覆盖范围",
    "township_code": "镇街代码",
    "township_name": "镇街",
    "villages_covered": "有数据的村（社区）数",
    "villages": "村（社区）总数",
    "quality_score": "质量得分",
    "quality_change": "质量得分变化",
    "quality_trend": "质量趋势",
    "accepted_share": "合格率",
    "completeness": "必填项完整率",
    "deliveries": "报送次数",
    "accepted": "接收记录数",
    "quarantined": "隔离记录数",
    "duplicate": "重复记录数",
    "last_delivery_at": "最近报送时间",
    "privacy_grade": "隐私等级",
    "sharing": "共享属性",
    "sharing_terms": "共享条件",
    "status": "状态",
    "datasets": "数据集数",
    "datasets_delivered": "已报数据集数",
    "datasets_overdue": "欠报数据集数",
    "deliveries_overdue": "欠报期数",
    "oldest_due_on": "最早应报日期",
}
