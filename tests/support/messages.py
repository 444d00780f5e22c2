"""What a widget sends, as a page would read it."""

import base64
import json
from typing import Any


def as_json(state: dict[str, Any]) -> str:
    return json.dumps(state, default=lambda view: base64.b64encode(view).decode(), sort_keys=True)
