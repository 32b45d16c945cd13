"""Make a Superset instance ready in one process: metadata, roles, users, and the committed export.

Run with the python of Superset's environment (`agrilake.superset.setup` does so), with SUPERSET_CONFIG_PATH,
AGRILAKE_HOME and AGRILAKE_SUPERSET_SECRET_FILE set. Each `superset` command line start costs seconds, so all
steps share one application. Every step may be repeated: users keep their place, assets are overwritten by UUID,
and what an older export left behind is removed.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import yaml
from superset.app import create_app

sys.path.append(str(Path(os.environ["AGRILAKE_PROJECT"]) / "jobs"))
from agrilake.lake.failpoints import reach

ADMIN_ROLE, EXPLORES = "Admin", "analyst"
MAIL_DOMAIN = "agrilake.invalid"
"""Addresses of the logins that are made here: what has another one is left alone."""
# What a reader of dashboards needs; nothing that writes content, and nothing of SQL Lab.
READER_EXTRA_PERMISSIONS = {
    ("menu_access", "Dashboards"),
    ("can_read", "Dataset"),
    ("can_get_drill_info", "Dataset"),
    ("can_drill", "Dashboard"),
    # "drill by" keeps the form of the chart it makes for a while; it holds no data
    ("can_read", "ExploreFormDataRestApi"),
    ("can_write", "ExploreFormDataRestApi"),
    ("can_view_chart_as_table", "Dashboard"),
    ("can_samples", "Datasource"),
    ("can_csv", "Superset"),
    ("can_log", "Superset"),
    ("can_this_form_get", "ResetMyPasswordView"),
    ("can_this_form_post", "ResetMyPasswordView"),
    ("can_read", "SecurityRestApi"),
}
BUNDLE_FOLDERS = ("databases", "datasets", "charts", "dashboards")

log = logging.getLogger("agrilake.superset")
# Superset reads each of some four hundred files by yaml.safe_load: with libyaml's parser that costs a tenth.
yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # type: ignore[misc]


def main() -> None:
    """Read the arguments and do every step inside one application context."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exports", type=Path, required=True, help="folder of the committed export")
    parser.add_argument("--logins", type=json.loads, required=True, help="agrilake.superset.accounts, as JSON")
    arguments = parser.parse_args()
    app = create_app()
    with app.app_context():
        prepare_metadata()
        reach("superset_prepared")
        administrators = [item for item in arguments.logins if not item["databases"]]
        [admin, *_] = [ensure_user(item, ADMIN_ROLE) for item in administrators]
        import_export(arguments.exports, admin)
        for item in arguments.logins:
            if item["databases"]:
                databases = [database_name(arguments.exports, key) for key in item["databases"]]
                grant_role(item["title"], explorer() if item["kind"] == EXPLORES else reader(), databases)
                ensure_user(item, item["title"])
        shut_out([item["login"] for item in arguments.logins])


def prepare_metadata() -> None:
    """`superset db upgrade` and `superset init`."""
    from flask_migrate import upgrade
    from sqlalchemy import event
    from sqlalchemy.engine import Engine
    from superset import appbuilder, db, security_manager

    @event.listens_for(Engine, "after_cursor_execute")
    def made(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith("CREATE TABLE dashboards"):
            reach("superset_migrating")

    upgrade()
    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()
    db.session.commit()


def ensure_user(login: dict[str, Any], role: str) -> Any:
    """The user with exactly this role and the password in its file (written there by the caller, mode 0600)."""
    from superset import db, security_manager
    from werkzeug.security import check_password_hash, generate_password_hash

    name, password = login["login"], Path(login["password_file"]).read_text(encoding="ascii").strip()
    wanted = security_manager.find_role(role)
    user = security_manager.find_user(username=name)
    if user is None:
        mail = f"{name}@{MAIL_DOMAIN}"
        user = security_manager.add_user(name, login["title"], "", mail, wanted, password=password)
        if not user:
            raise SystemExit(f"cannot add the user {name}")
    user.roles, user.active = [wanted], True
    if not check_password_hash(user.password, password):
        user.password = generate_password_hash(password)
    db.session.commit()
    return user


def shut_out(logins: list[str]) -> None:
    """Close the logins that were made here and are no longer declared: a department that is gone."""
    from superset import db, security_manager

    model = security_manager.user_model
    for user in db.session.query(model).filter(model.email.endswith(f"@{MAIL_DOMAIN}")):
        if user.username not in logins:
            log.info("closing the login %s", user.username)
            user.roles, user.active = [], False
    db.session.commit()


def bundle(exports: Path) -> dict[str, str]:
    """Relative path to text, as the import command wants it."""
    files = [exports / "metadata.yaml"]
    files += [path for name in BUNDLE_FOLDERS for path in sorted((exports / name).rglob("*.yaml"))]
    return {path.relative_to(exports).as_posix(): path.read_text(encoding="utf-8") for path in files}


def database_name(exports: Path, file_name: str) -> str:
    """Name of a database of the export."""
    file = exports / "databases" / f"{file_name}.yaml"
    return str(yaml.safe_load(file.read_text(encoding="utf-8"))["database_name"])


def import_export(exports: Path, admin: Any) -> None:
    """Import the bundle over what is there, then remove what we made earlier and no longer declare."""
    from sqlalchemy import event
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.models.dashboard import Dashboard
    from superset.utils.core import override_user

    event.listen(Dashboard, "after_insert", lambda *_: reach("superset_importing"))
    contents = bundle(exports)
    with override_user(admin):
        ImportAssetsCommand(contents).run()
        reach("superset_imported")
        remove_undeclared(contents)


def remove_undeclared(contents: dict[str, str]) -> None:
    """Delete managed dashboards, charts, datasets and databases whose UUID the bundle lacks; people's own ones stay."""
    from superset import db
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    declared = {yaml.safe_load(text).get("uuid") for text in contents.values()}
    for model in (Dashboard, Slice, SqlaTable, Database):
        for item in db.session.query(model).filter_by(is_managed_externally=True):
            if str(item.uuid) not in declared:
                log.info("removing %s %s", model.__tablename__, item.uuid)
                db.session.delete(item)
        db.session.flush()
    db.session.commit()


def reader() -> set[tuple[str, str]]:
    """What a reader of dashboards may do."""
    from superset import security_manager

    return set(security_manager.PUBLIC_ROLE_PERMISSIONS) | READER_EXTRA_PERMISSIONS


def explorer() -> set[tuple[str, str]]:
    """What Superset's own role for people who explore data may do; it has no SQL Lab."""
    from superset import security_manager

    return {(item.permission.name, item.view_menu.name) for item in security_manager.find_role("Gamma").permissions}


def grant_role(name: str, wanted: set[tuple[str, str]], databases: list[str]) -> None:
    """The role with exactly these permissions over these databases; anything else is taken away."""
    from superset import db, security_manager
    from superset.models.core import Database

    role = security_manager.add_role(name)
    grants = [security_manager.find_permission_view_menu(*item) for item in sorted(wanted)]
    for database in databases:
        access = db.session.query(Database).filter_by(database_name=database).one().perm
        grants.append(security_manager.add_permission_view_menu("database_access", access))
    role.permissions = [item for item in grants if item is not None]
    db.session.commit()


if __name__ == "__main__":
    main()
