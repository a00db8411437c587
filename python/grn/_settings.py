"""What holds for every call."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Settings:
    """What holds for every call that does not say otherwise.

    Attributes
    ----------
    threads
        Threads of the pool; `None` for the processors this process may use. Settled by the first call.
    seed
        Seed of every random choice; `None` for the one of the settings files, else 0.
    device
        Where tensors live: `"auto"`, `"cpu"` or `"cuda:0"`; `None` for the one of the settings files.
    verbosity
        What the logger `grn` says: 0 nothing, 1 notices, 2 what is being done too, 3 details too.
    progress
        Whether progress is shown as bars of tqdm, where it is installed.
    config
        A settings file (TOML), above `grn.toml` of the working folder and that of the user.
    """

    threads: int | None = None
    seed: int | None = None
    device: str | None = None
    verbosity: int = 1
    progress: bool = True
    config: str | None = None


#: The settings in force: `grn.settings.threads = 8`.
settings = Settings()
