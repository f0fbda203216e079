"""`python -m domain.benefits`: prints the JSON Schema of a benefit file, for docs/benefit.schema.json."""

import json
import sys

from domain.benefits.spec import json_schema

sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
