"""The verbs that keep things going: doctor looks over everything, gc packs, completion helps the shell."""

import os
from typing import Any

from git_tracker.cli import call as calls
from git_tracker.cli import exits, project
from git_tracker.cli.call import Call
from git_tracker.cli.escape import line
from git_tracker.errors import Invalid, TrackerError
from git_tracker.store import (
    KANBAN,
    WORKSPACE_FILE,
    Check,
    Survey,
    Workflow,
    examine,
    find_place,
    find_workspace,
    repair,
    tend,
)  # fmt: skip

Json = Any

DOCTOR = """\
tracker doctor

Looks over everything the tracker rests on: repository, settings, files, index,
journal, objects, refs, key, trust root, remotes, signatures. Says how each
stands and what would mend it. Exit code 1 if something is broken. In a
workspace: every repository.

  --repair                mend what can be mended, and say what cannot: from the
                          journal, from a remote, from what git still has;
                          nothing that counts is removed

Example: tracker doctor --repair
"""


def doctor(call: Call) -> int:
    folder = find_workspace(call.path)
    checks = _workspace(call, folder) if folder else _repository(call, call.path)
    broken = any(check.state == "fail" for check in checks)
    if call.as_json:
        items = [check._asdict() for check in checks]
        call.json({"ok": not broken, "checks": items})
    else:
        for check in checks:
            call.print(f"{check.state:<7} {check.name:<13} {line(check.found)}")
            if check.remedy and check.state != "ok":
                call.print(f"{'':<22}{line(check.remedy)}")
            for item in check.mended if check.state != "mended" else ():
                call.print(f"{'':<22}mended: {line(item)}")
    return exits.FAILED if broken else exits.DONE


def _repository(call: Call, path: str) -> list[Check]:
    checks, workflow = _settings(call, path)
    look = repair if call.given("repair") else examine
    found = list(look(path, workflow=workflow, keyring=call.keyring, progress=call.progress("looking")))
    return [*checks, *_unsigned(call, path), *found]


def _workspace(call: Call, folder: str) -> list[Check]:
    """Check every repository of a workspace; of one that is well, one line says so."""
    survey = Survey(folder, call.opened)
    standings = survey.repositories()
    survey.close()
    checks = [Check("workspace", "ok", os.path.join(folder, WORKSPACE_FILE))]
    for one in standings:
        if one.state == "missing":
            checks.append(Check(one.name, "fail", one.reason, f"it should be at {one.path}"))
            continue
        found = _repository(call, os.path.join(folder, one.path))
        flaws = [check for check in found if check.state != "ok" or check.name == "repair"]
        checks += [check._replace(name=f"{one.name}: {check.name}") for check in flaws]
        if not flaws and one.state == "broken":
            checks.append(Check(one.name, "fail", one.reason))
        elif not flaws:
            checks.append(Check(one.name, "ok", f"{len(found)} checks, all well"))
    return checks


def _settings(call: Call, path: str) -> tuple[list[Check], Workflow]:
    """Check the project's settings whole, since other verbs read only the workflow; return it as well."""
    try:
        where = find_place(path)
    except TrackerError:
        return [], KANBAN
    files = project.files(where)
    if not files:
        return [], KANBAN
    from git_tracker.server import settings

    try:
        found = settings.load(where)
        return [Check("settings", "ok", ", ".join(files))], found.flow()
    except TrackerError as error:
        return [Check("settings", "fail", str(error), error.hint)], KANBAN


def _unsigned(call: Call, path: str) -> list[Check]:
    """Warn of fields that the settings want to wait for a choice and the signed policy does not."""
    from git_tracker.server import settings

    try:
        manual = settings.load(find_place(path)).merge.manual()
        if not manual:
            return []
        rules = call.mending(path).policy
    except TrackerError:
        return []  # what is wrong there, another check says
    missing = [field for field in manual if field not in rules.get("manual_fields", ())]
    if not missing:
        return []
    from json import dumps

    wanted = dumps({**rules, "manual_fields": manual})
    return [
        Check(
            "merge", "warn", f"no policy says that {', '.join(missing)} is manual", f"tracker trust policy '{wanted}'"
        )
    ]


GC = """\
tracker gc

Packs what became many small files: refs, objects, and what the journal holds
twice. Runs stock git; removes no object. It happens by itself after many
writes (`upkeep.after` in git-tracker.toml), in the background.

Example: tracker gc
"""


def gc(call: Call) -> int:
    done = tend(find_place(call.path))
    if call.as_json:
        call.json(done._asdict() | {"ok": not done.failed})
    elif done.busy:
        call.print("another process is at it already")
    else:
        for what, (before, after) in (("files of refs", done.loose_refs), ("files of objects", done.loose_objects)):
            call.print(f"{what:<18}{before} -> {after}")
        call.print(f"{'journal':<18}{done.journal} entries let go, since they lie in a pack")
        call.print(f"{'refs that keep':<18}{done.kept} removed, since an issue's own ref reaches them")
        for failure in done.failed:
            call.print(f"not done: {line(failure)}")
    return exits.FAILED if done.failed else exits.DONE


COMPLETION = """\
tracker completion SHELL

Prints the completion script of a shell: bash, zsh or fish. It completes verbs,
options and the ids of open issues.

Example: eval "$(tracker completion bash)"
"""

_BASH = """\
_tracker() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} verb=${{COMP_WORDS[1]}}
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{verbs}" -- "$word"))
        return
    fi
    case $word in
        -*) case $verb in
{options}
            esac ;;
        *) COMPREPLY=($(compgen -W "$(tracker list --limit 200 2>/dev/null | cut -d' ' -f1)" -- "$word")) ;;
    esac
}}
complete -o default -F _tracker tracker git-tracker
"""
_ZSH = """\
#compdef tracker git-tracker
_tracker() {{
    local -a verbs options ids
    verbs=(
{verbs}
    )
    if (( CURRENT == 2 )); then
        _describe verb verbs
        return
    fi
    case $words[2] in
{options}
    esac
    ids=(${{(f)"$(tracker list --limit 200 2>/dev/null | sed -E 's/^([0-9a-f]+) +/\\1:/; s/:/&/')"}})
    if [[ $PREFIX == -* ]]; then compadd -- $options; else _describe issue ids; _files; fi
}}
compdef _tracker tracker git-tracker
"""
_FISH = """\
complete -c tracker -n __fish_use_subcommand -f
{verbs}
{options}
complete -c tracker -n 'not __fish_use_subcommand' -a "(tracker list --limit 200 2>/dev/null | string replace -r ' +' \\t)"
"""


def completion(call: Call) -> None:
    shell = call.text("shell")
    verbs, pages = call.verbs, {verb: calls.page(call.verbs, verb) for verb in call.verbs}
    flags = {verb: sorted(flag for flag in page.options if flag.startswith("--")) for verb, page in pages.items()}
    if shell == "bash":
        options = [
            f'            {verb}) COMPREPLY=($(compgen -W "{" ".join(flags[verb])}" -- "$word")) ;;' for verb in verbs
        ]
        script = _BASH.format(verbs=" ".join(verbs), options="\n".join(options))
    elif shell == "zsh":
        told = [f"        '{verb}:{what}'" for verb, (_, _, what) in verbs.items()]
        options = [f"        {verb}) options=({' '.join(flags[verb])}) ;;" for verb in verbs]
        script = _ZSH.format(verbs="\n".join(told), options="\n".join(options))
    elif shell == "fish":
        told = [
            f"complete -c tracker -n __fish_use_subcommand -f -a {verb} -d '{what}'"
            for verb, (_, _, what) in verbs.items()
        ]
        options = [
            f"complete -c tracker -n '__fish_seen_subcommand_from {verb}' -l {flag[2:]}"
            for verb in verbs
            for flag in flags[verb]
        ]
        script = _FISH.format(verbs="\n".join(told), options="\n".join(options))
    else:
        raise Invalid(f"no completion for {shell!r}", "there is bash, zsh and fish", code="usage")
    if call.as_json:
        call.json({"shell": shell, "script": script})
    else:
        call.print(script.rstrip("\n"))
