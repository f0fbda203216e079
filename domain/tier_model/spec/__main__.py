"""`python -m domain.tier_model.spec`: prints the JSON Schema of a model file, for docs/tier-model.schema.json."""

import json
import sys

from domain.tier_model.spec import json_schema

sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
