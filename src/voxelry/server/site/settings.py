"""Django's settings, from a `Configuration`. Importing this module writes nothing."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from voxelry.server.environment import configuration, database

VOXELRY = configuration.read(os.environ)
_HERE = Path(__file__).parent.parent
PAGE = _HERE / "page"

SECRET_KEY_FILE = VOXELRY.data / "secret-key"
SECRET_KEY = VOXELRY.secret_key or (
    SECRET_KEY_FILE.read_text("ascii").strip() if SECRET_KEY_FILE.is_file() else secrets.token_urlsafe(48)
)
DEBUG = VOXELRY.debug
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", VOXELRY.host, socket.gethostname(), *VOXELRY.hosts]
CSRF_TRUSTED_ORIGINS = list(VOXELRY.trusted_origins)

INSTALLED_APPS = [
    # Before staticfiles, whose runserver it extends.
    "voxelry.server.archive",
    "voxelry.server.processing",
    "voxelry.server.nodes",
    "voxelry.server.jobs",
    "voxelry.server.access",
    "voxelry.server.api",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "voxelry.server.dicomweb.lenient_addresses.LenientAddressesMiddleware",
    "voxelry.server.dicomweb.cross_origin_middleware.CrossOriginMiddleware",
    "voxelry.server.site.response_headers.SecureHeadersMiddleware",
    "voxelry.server.site.response_headers.StaticFilesMiddleware",
    "voxelry.server.api.head.HeadMiddleware",
    "voxelry.server.api.problems.ProblemMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "voxelry.server.access.sessions.SessionsMiddleware",
    # Before the CSRF check, which reads the whole form: requests without a user are refused unread.
    "voxelry.server.access.middleware.AccessMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "voxelry.server.site.urls"
ASGI_APPLICATION = "voxelry.server.site.asgi.application"
WSGI_APPLICATION = "voxelry.server.site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_HERE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": database.settings_of(VOXELRY)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STORAGES = {
    "default": {"BACKEND": "voxelry.server.archive.at_rest.files_at_rest.DataFolderStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_URL = "/static/"
STATICFILES_DIRS = [_HERE / "static", *([("page", PAGE)] if PAGE.is_dir() else [])]
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/page/assets/"

FILE_UPLOAD_HANDLERS = ["voxelry.server.archive.intake.receive_upload.DataFolderUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FILES = VOXELRY.upload_files

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "voxelry.server.access.account_end.PasswordEnds"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"

SESSION_COOKIE_NAME = "voxelry"
SESSION_COOKIE_AGE = round(VOXELRY.session_hours * 3600)
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if VOXELRY.trusted_origins else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = bool(VOXELRY.trusted_origins) and all(
    origin.startswith("https://") for origin in VOXELRY.trusted_origins
)
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# The path of a request may be logged, because it holds keys only; its query may not.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"disconnects": {"()": "voxelry.server.environment.disconnect_log.DisconnectFilter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "voxelry": {"level": "INFO"},
        "asyncio": {"filters": ["disconnects"]},
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "django.request": {"level": "CRITICAL"},
        # pydicom quotes the values that it cannot read, which may be a patient's.
        "pydicom": {"level": 100},
        "pynetdicom": {"level": 100},
        # Clients can cause these at will, and some quote a URL, which may be a login link.
        "django.security": {"level": "CRITICAL"},
    },
}
