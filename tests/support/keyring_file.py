"""A keyring that is a file, for tests: the real library, its storage where a test can look."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class FileKeyring(KeyringBackend):
    """Keeps everything in the file that GOFLOW_TEST_KEYRING names."""

    priority = 1

    @property
    def _file(self):
        return Path(os.environ["GOFLOW_TEST_KEYRING"])

    def _all(self):
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    def get_password(self, service, username):
        return self._all().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        self._file.write_text(json.dumps({**self._all(), f"{service}/{username}": password}))

    def delete_password(self, service, username):
        entries = self._all()
        if entries.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("not there")
        self._file.write_text(json.dumps(entries))
