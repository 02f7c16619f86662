"""`tracker trust git-setup`: what stock git needs to check the tracker's signatures by itself."""

from git_tracker.cli import asking
from git_tracker.cli.call import Call
from git_tracker.cli.escape import line


def git_setup(call: Call) -> None:
    """Show three settings, and after a yes write those that are missing and the files they point at."""
    from git_tracker.store import configure_git, git_settings, write_git_files

    store = call.store()
    found = git_settings(store.place)
    if not call.as_json:
        for setting in found:
            note = {"set": "  (is set)", "kept": f"  (left alone, it is {line(setting.now)})"}.get(setting.state, "")
            call.print(f"{setting.name} = {line(setting.value)}{note}")
            if setting.remedy:
                call.print(f"    {line(setting.remedy)}")
        call.flush()
    changes = any(setting.state == "missing" for setting in found)
    if agreed := not changes or call.given("yes") or (asking.terminal() and asking.yes("Write them?")):
        write_git_files(store.place, store.allowed_signers(), store.revoked())
        configure_git(store.place, found)
    if call.as_json:
        settings = [setting._asdict() for setting in git_settings(store.place)]
        call.json({"settings": settings, "written": agreed})
    elif agreed:
        call.print("Stock git knows the members and the revoked sessions, as they are now and as they change.")
    else:
        call.note("nothing was written; --yes writes it")
