"""People who have a second factor, for tests."""

from __future__ import annotations

from dataclasses import dataclass

import pyotp

from engine import second_factors
from engine.second_factors import PERIOD, RecoveryCodes

NO_CODES = RecoveryCodes("salt", ())


@dataclass
class Phone:
    """An app that shows codes, at the time of an engine."""

    engine: object
    secret: str

    def code(self, later=0):
        """What it shows, or will show so many codes `later`."""
        return pyotp.TOTP(self.secret).at(int(self.engine.clock().timestamp()) + later * PERIOD)


def begin(engine, name="ann", browser="browser"):
    """A phone that has read the secret, which does not count yet."""
    engine.execute(second_factors.begin, browser, name)
    return Phone(engine, second_factors.begun(engine, browser, name))


def set_up(engine, name="ann", browser="browser", codes=NO_CODES, later=-1):
    """The phone of somebody who has a second factor; its first code was the one before the present one."""
    phone = begin(engine, name, browser)
    assert engine.execute(second_factors.activate, browser, name, phone.code(later), codes)
    return phone
