"""``python -m nsview``: the same as the ``nsview`` command."""

import sys

from nsview.cli.main import main

sys.exit(main())
