import sys

from git_tracker.cli.main import main

sys.exit(main())
