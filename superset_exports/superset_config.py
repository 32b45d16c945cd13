"""Superset's settings for the lake: Chinese, offline, read-only over the current publication.

Read by Superset (`SUPERSET_CONFIG_PATH`) in an environment of its own, so nothing of `agrilake` is imported here.
From the environment: AGRILAKE_HOME (the lake) and AGRILAKE_SUPERSET_SECRET_FILE (the session key, mode 0600).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Flask, Request, Response, jsonify, redirect, request
from flask_appbuilder.const import AUTH_DB

HOME = Path(os.environ["AGRILAKE_HOME"]).resolve()
STATE = HOME / "superset"
STATE.mkdir(parents=True, exist_ok=True)

# --- identity and metadata -------------------------------------------------------------------------------
SECRET_KEY = Path(os.environ["AGRILAKE_SUPERSET_SECRET_FILE"]).read_text(encoding="utf-8").strip()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{STATE / 'superset.db'}?check_same_thread=false"
# A dashboard's charts write their log lines at the same moment: SQLite has to wait for its lock, not fail.
SQLALCHEMY_ENGINE_OPTIONS = {"connect_args": {"timeout": 60}}
DATA_DIR = str(STATE)
AUTH_TYPE = AUTH_DB
AUTH_USER_REGISTRATION = False
AUTH_ROLE_PUBLIC = ""
PUBLIC_ROLE_LIKE = None
# Superset's own defaults for these two are known to everybody; both features are off, and stay shut if one is not.
GUEST_TOKEN_JWT_SECRET, GLOBAL_ASYNC_QUERIES_JWT_SECRET = (
    hashlib.sha256(f"{use} {SECRET_KEY}".encode()).hexdigest() for use in ("guest", "async")
)

# --- language and appearance -----------------------------------------------------------------------------
APP_NAME = "数字乡村数据湖"
BABEL_DEFAULT_LOCALE = "zh"
LANGUAGES = {"zh": {"flag": "cn", "name": "中文"}, "en": {"flag": "us", "name": "English"}}
D3_FORMAT = {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["¥", ""]}
MONTHS = ["1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"]
WEEKDAYS = ["周日", "周一", "周二", "周三", "周四", "周五", "周六"]
D3_TIME_FORMAT = {
    "dateTime": "%Y年%-m月%-d日 %H:%M:%S",
    "date": "%Y-%m-%d",
    "time": "%H:%M:%S",
    "periods": ["上午", "下午"],
    "days": WEEKDAYS,
    "shortDays": WEEKDAYS,
    "months": MONTHS,
    "shortMonths": MONTHS,
}
FONTS = "'Noto Sans CJK SC', 'Source Han Sans SC', 'PingFang SC', 'Microsoft YaHei', Inter, sans-serif"
LOGO = "data:image/svg+xml," + quote(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 34" width="200" height="34">'
    '<circle cx="17" cy="17" r="15" fill="#1f6f5c"/>'
    '<path d="M17 28V13M17 20c-6 0-8-4-8-8 5 0 8 3 8 8zM17 16c0-5 3-8 8-8 0 5-2 8-8 8z" '
    'stroke="#fff" stroke-width="1.6" fill="#d9a441"/>'
    f'<text x="40" y="24" font-size="20" font-weight="700" fill="#174f43" font-family="{FONTS}">{APP_NAME}</text>'
    "</svg>"
)
THEME_DEFAULT = {
    "token": {
        "brandAppName": APP_NAME,
        "brandLogoAlt": APP_NAME,
        "brandLogoUrl": LOGO,
        "brandLogoMargin": "10px 0",
        "brandLogoHref": "/",
        "brandLogoHeight": "34px",
        "brandIconMaxWidth": 200,
        "colorPrimary": "#1f6f5c",
        "colorLink": "#1f6f5c",
        "colorError": "#b3372f",
        "colorWarning": "#c98a1b",
        "colorSuccess": "#2f8f5b",
        "colorInfo": "#3b7ea1",
        "fontUrls": [],
        "fontFamily": FONTS,
        "fontFamilyCode": "'IBM Plex Mono', 'Courier New', monospace",
        "transitionTiming": 0.3,
        "fontSizeXS": "8",
        "fontSizeXXL": "28",
        "fontWeightNormal": "400",
        "fontWeightLight": "300",
        "fontWeightStrong": "500",
        "fontWeightBold": "700",
        "colorEditorSelection": "#fff5cf",
    },
    "algorithm": "default",
}
THEME_DARK = None
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "agrilake",
        "label": "数字乡村",
        "description": "田野、河流与成熟作物的颜色",
        "isDefault": True,
        "colors": ["#1f6f5c", "#d08a2e", "#3b7ea1", "#8aa63a", "#a5533c", "#6b5b95", "#4f9d8a", "#7a7a7a"],
    },
    {
        "id": "agrilake_trend",
        "label": "数字乡村走势",
        "description": "去年同期、实际值、应达目标",
        "isDefault": False,
        "colors": ["#9db8ae", "#1f6f5c", "#d08a2e", "#3b7ea1"],
    },
    {
        "id": "agrilake_progress",
        "label": "数字乡村进度",
        "description": "不足、达到",
        "isDefault": False,
        "colors": ["#d08a2e", "#1f6f5c"],
    },
]

# --- security: offline pages, sessions, no way out of the published file ----------------------------------
WTF_CSRF_ENABLED = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Behind TLS the operator sets AGRILAKE_SUPERSET_HTTPS=1; plain loopback would otherwise lose its cookie.
HTTPS = os.environ.get("AGRILAKE_SUPERSET_HTTPS") == "1"
SESSION_COOKIE_SECURE = HTTPS
ENABLE_PROXY_FIX = HTTPS
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        # The indicator cards are Handlebars charts, whose templates are compiled in the browser. Only
        # scripts with the page's nonce may run, and only administrators can write a template.
        "script-src": ["'self'", "'strict-dynamic'", "'unsafe-eval'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": HTTPS,
}
HTML_SANITIZATION = True
# The cards need classes to be laid out, the map of townships needs to be drawn; the sanitiser still removes scripts,
# styles and handlers.
HTML_SANITIZATION_SCHEMA_EXTENSIONS = {
    "attributes": {"*": ["className"], "svg": ["viewBox"], "path": ["d"], "text": ["x", "y"]},
    "tagNames": ["svg", "path", "text", "title"],
}
ENABLE_CORS = False
PREVENT_UNSAFE_DB_CONNECTIONS = True
ENABLE_UI_THEME_ADMINISTRATION = False

# --- what is on and what is off ----------------------------------------------------------------------------
FEATURE_FLAGS = {
    "DRILL_BY": True,
    "DRILL_TO_DETAIL": True,
    "DASHBOARD_RBAC": False,
    "DASHBOARD_VIRTUALIZATION": True,
    "ALERT_REPORTS": False,
    "THUMBNAILS": False,
    "EMBEDDED_SUPERSET": False,
    "ENABLE_TEMPLATE_PROCESSING": False,
    "ESTIMATE_QUERY_COST": False,
    "TAGGING_SYSTEM": False,
}
SUPERSET_LOAD_EXAMPLES = False
ROW_LIMIT = 10_000
SQL_MAX_ROW = 50_000
SAMPLES_ROW_LIMIT = 500
NATIVE_FILTER_DEFAULT_ROW_LIMIT = 1_000
FILTER_SELECT_ROW_LIMIT = 2_000
SUPERSET_WEBSERVER_TIMEOUT = 60
SQLLAB_TIMEOUT = 30

# --- caching: a new publication must be seen at once --------------------------------------------------------
# The data of charts are kept with the publication that they come from: a page asks some twenty times, and preparing
# an answer costs Superset more than the query. The state of filters and of Explore forms holds no data.
sys.path.append(str(Path(__file__).parent))
DATA_CACHE_CONFIG = {
    "CACHE_TYPE": "publication_cache.PublicationCache",
    "CACHE_DIR": str(STATE / "cache" / "data"),
    "CACHE_DEFAULT_TIMEOUT": 86_400,
    "CACHE_THRESHOLD": 2_000,
}
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
FILTER_STATE_CACHE_CONFIG: dict[str, Any] = {
    "CACHE_TYPE": "FileSystemCache",
    "CACHE_DIR": str(STATE / "cache" / "filters"),
    "CACHE_DEFAULT_TIMEOUT": 90 * 86_400,
    "CACHE_THRESHOLD": 5_000,
    "REFRESH_TIMEOUT_ON_RETRIEVAL": True,
}
EXPLORE_FORM_DATA_CACHE_CONFIG = FILTER_STATE_CACHE_CONFIG | {"CACHE_DIR": str(STATE / "cache" / "explore")}
RATELIMIT_ENABLED = True
RATELIMIT_STORAGE_URI = "memory://"

# --- the published lake -------------------------------------------------------------------------------------
PUBLISHED = re.compile(r"/?publications/current/((?:department/)?[a-z][a-z0-9_]*\.duckdb)")
# As agrilake.publish.opening has them: no other file, no extension, and no query can lift that.
SHUT_IN = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "lock_configuration": "true",
}


def published_file(database: str) -> str:
    """The file that `publications/current/<file>` means now, under this machine's AGRILAKE_HOME; PermissionError for
    any other.

    The committed YAML holds no machine's path; and following the `current` link here, at every connection,
    makes each query see one whole publication, and the next query after a swap the new one.
    """
    found = PUBLISHED.fullmatch(database)
    if found is None:
        raise PermissionError("DuckDB opens files of the current publication alone")
    return str((HOME / "publications" / "current").resolve() / found[1])


def DB_CONNECTION_MUTATOR(  # noqa: N802 (Superset's name)
    uri: Any, params: dict[str, Any], username: str | None, security_manager: Any, source: Any
) -> tuple[Any, dict[str, Any]]:
    """Point DuckDB connections to the current publication, read-only and closed to everything else, whatever the
    connection itself says."""
    del username, security_manager, source
    if uri.drivername.startswith("duckdb"):
        uri = uri.set(database=published_file(uri.database or ""), query={})
        params["connect_args"] = {"read_only": True, "config": dict(SHUT_IN)}
    return uri, params


# --- two corrections of the pages themselves ------------------------------------------------------------------
FIRST_PAGE = "overview"
PEOPLE = re.compile(r"/api/v1/\w+/related/(owners|roles|created_by|changed_by)/?")
CHART = re.compile(r"/api/v1/chart/(\d+)?/?")
# Wrong or missing in the Chinese catalogue of Superset 6.1.0 ("Sign in" is 'Not In' there).
CORRECTED_WORDS = {
    "Sign in": "登录",
    "Enter your login and password below:": "请输入用户名和密码",
    "entries": "行",
    "%s record": "%s 行",
    "entries per page": "行",
    "Show entries per page": "每页行数",
    "Search %s records": "在 %s 行中搜索",
}


def home_page() -> str:
    """The overview, or the first page of those that the user may see."""
    from superset.daos.dashboard import DashboardDAO

    slugs = sorted(item.slug for item in DashboardDAO.find_all() if item.slug)
    return f"/superset/dashboard/{FIRST_PAGE if FIRST_PAGE in slugs or not slugs else slugs[0]}/"


@cache
def chinese_words() -> str:
    """Superset's Chinese language pack, corrected."""
    import superset

    file = Path(superset.__file__).parent / "translations" / "zh" / "LC_MESSAGES" / "messages.json"
    pack = json.loads(file.read_text(encoding="utf-8"))
    pack["locale_data"]["superset"] |= {word: [text] for word, text in CORRECTED_WORDS.items()}
    return json.dumps(pack, ensure_ascii=False)


def FLASK_APP_MUTATOR(app: Flask) -> None:  # noqa: N802 (Superset's name)
    """Serve the corrected words, open the user's dashboard where Superset would show an empty start page, and shut two
    doors: lists of all users and roles, and charts over datasets that the user may not read."""

    @app.before_request
    def corrected() -> Any:
        if request.path == "/superset/language_pack/zh/":
            return Response(chinese_words(), mimetype="application/json")
        return None

    @app.before_request
    def within_the_role() -> Any:
        from superset import security_manager
        from superset.utils.core import get_user_id

        if not get_user_id() or security_manager.is_admin():
            return None
        if request.path == "/superset/welcome/":
            return redirect(home_page())
        if PEOPLE.fullmatch(request.path):
            return jsonify(count=0, result=[])
        if request.method in ("POST", "PUT") and CHART.fullmatch(request.path) and not _may_read(request):
            return jsonify(message="Forbidden"), 403
        return None


def _may_read(asked: Request) -> bool:
    """Whether the user may read the dataset that a chart is to be made over: Superset itself does not look."""
    from superset import db, security_manager
    from superset.connectors.sqla.models import SqlaTable

    body = asked.get_json(silent=True)
    number = body.get("datasource_id") if isinstance(body, dict) else None
    if number is None:
        return True
    dataset = db.session.get(SqlaTable, number) if isinstance(number, int) else None
    return dataset is not None and security_manager.can_access_datasource(dataset)
