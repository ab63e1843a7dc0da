"""`python -m goflow.toolbox`."""

import sys

from goflow.toolbox import main

sys.exit(main())
