#!/usr/bin/env bash
# Cross-checks common/record with Python's protobuf. run.sh RECORD_TOOL WORK_DIR
set -euo pipefail

tool=$1
work=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=${XDG_CACHE_HOME:-$HOME/.cache}/kasumori/venv/bin/python
if [[ ! -x $python ]]; then
    echo "run.sh: there is no $python; tests/support/bootstrap.sh makes it" >&2
    exit 1
fi
mkdir -p "$work"
protoc --python_out="$work" --descriptor_set_out="$work/record.binpb" --include_imports \
    -I "$root/proto" "$root"/proto/kasumori/v1/*.proto
export KASUMORI_RECORD_TOOL=$tool KASUMORI_DESCRIPTORS=$work/record.binpb
export PYTHONPATH=$work:$here PYTHONDONTWRITEBYTECODE=1
exec "$python" -m pytest -q "$here/test_record_cross.py"
