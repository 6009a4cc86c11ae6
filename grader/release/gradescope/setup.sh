#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image: a Python that others than root can read, and packages.
set -euo pipefail
cd /autograder/source
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends python3 python3-venv
if ! python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))'; then
    echo "Python 3.11 to 3.14 is needed, and this image has $(python3 --version): choose Ubuntu 24.04 in Gradescope" >&2
    exit 1
fi
python3 -m venv /opt/raft-grader
/opt/raft-grader/bin/python -m pip install --quiet --no-input .
chmod -R go-rwx /autograder/source
