from git_tracker.cli.main import program

program()
