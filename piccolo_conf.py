"""The engine (SQLite by default, PostgreSQL by DATABASE_URL) and the registry of tables."""

from piccolo.conf.apps import AppRegistry

from gateways.settings import SETTINGS
from tables.engine import make_engine

SETTINGS.data_dir.mkdir(parents=True, exist_ok=True)
DB = make_engine(SETTINGS.database_url, str(SETTINGS.data_dir / "ligne_claire.sqlite"))

APP_REGISTRY = AppRegistry(
    apps=[
        "tables.piccolo_app",
        "piccolo_admin.piccolo_app",
        "piccolo.apps.user.piccolo_app",
        "piccolo_api.session_auth.piccolo_app",
    ]
)
