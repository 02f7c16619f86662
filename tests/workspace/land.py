"""Two repositories, api and web, in one workspace: Ada owns both trackers."""

import shutil
from pathlib import Path

from git_tracker.store import IssueStore, add_repository, init_workspace
from tests.web.serving import World


class Land(World):
    """The workspace lies in the folder above the repositories; `store` is api's and `web` is web's."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        self.web = self.another("web")
        init_workspace(str(folder))
        add_repository(str(folder), str(self.repo), "api")
        add_repository(str(folder), str(folder / "web"))

    def another(self, name: str) -> IssueStore:
        """Make one more repository with a tracker, not yet part of the workspace."""
        self.git("init", "--quiet", self.folder_of(name))
        with self.entered():
            store = IssueStore.open(str(self.folder_of(name)))
            store.init()
        self.made = [*getattr(self, "made", []), store]
        return store

    def folder_of(self, name: str) -> Path:
        return self.home.parent / name

    def hide(self, name: str) -> None:
        """Let a repository go missing."""
        shutil.move(self.folder_of(name), self.folder_of(f"{name}.hidden"))

    def show(self, name: str) -> None:
        """Let a missing repository come back."""
        shutil.move(self.folder_of(f"{name}.hidden"), self.folder_of(name))

    @property
    def place(self) -> Path:
        return self.home.parent

    @property
    def secrets(self) -> Path:
        return self.home.parent / ".git-tracker"

    def close(self) -> None:
        super().close()
        for store in self.made:
            store.close()
