"""What `do` may run: handlers and verbs of devices, and the steps that the file makes of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

from hal import VerbInfo
from robotd.config.document import describe
from robotd.config.errors import nearest
from robotd.config.handlers import Handlers
from robotd.config.place import Place
from robotd.core.action import ActionInfo, BindError, Signature, SignatureError, handler_info
from robotd.core.chart import Do, Mode, Step

MODE = "mode"
"""The one key of a step beside its action."""

ModeText = Literal["restart", "queued", "parallel", "single"]
Verbs = Mapping[str, Mapping[str, Callable[..., Any]]]
"""The verbs of each device, unbound, by name."""


class Actions:
    """Everything that can be done, and which of it the machine does."""

    def __init__(
        self,
        handlers: Handlers,
        verbs: Verbs,
        *,
        doubtful: Collection[str] = (),
        handlers_sound: bool = True,
    ) -> None:
        """Nobody knows the verbs of `doubtful` devices, nor the handlers of an unsound file: what the machine
        says about those is left unchecked, since the cause is reported already.
        """
        self._handlers = handlers
        self._verbs = verbs
        self._doubtful = doubtful
        self._handlers_sound = handlers_sound
        self.sound = True
        """Whether every step could be read, so that `used` is complete."""
        self.used: dict[str, ActionInfo] = {}
        """Every action that some step runs."""

    def read(self, place: Place, owner: str) -> Do | None:
        """What stands under `do`; a list of steps carries the name of its `owner`, a state."""
        value = place.value
        if value is None:
            return None
        read = [self._step(element) for element in place.one_or_more()]
        steps = tuple(step for step in read if step)
        self.sound = self.sound and len(steps) == len(read) > 0
        name = owner if isinstance(value, list) else steps[0].action if steps else owner
        return Do(name, steps, place.document.where(place.steps)) if steps else None

    def incomplete(self, do: Do) -> tuple[Step, str] | None:
        """The first step for which the file does not say every argument, and the missing one."""
        for step in do.steps:
            for parameter in self.used[step.action].signature.parameters:
                if parameter.required and parameter.name not in step.arguments:
                    return step, parameter.wire_name
        return None

    def _step(self, place: Place) -> Step | None:
        value = place.value
        if isinstance(value, str):
            info = self._info(place, value, key=False)
            return Step(value, where=place.document.where(place.steps)) if info else None
        if not isinstance(value, dict):
            place.refuse(f"an action is due here, not {describe(value)}", "for example: base.halt")
            return None
        names = [name for name in value if name != MODE]
        if len(names) != 1:
            found = f"not {', '.join(names)}" if names else "and there is none"
            place.refuse(f"a step is one action, {found}", "write several steps as a list")
            return None
        return self._call(place, names[0])

    def _call(self, place: Place, name: str) -> Step | None:
        """A step that is a mapping: `{mast.move_to: {angle: 0 deg}, mode: queued}`."""
        mode = (place / MODE).read(ModeText) if MODE in place else Mode.RESTART  # type: ignore[arg-type]  # a Literal
        info = self._info(place / name, name, key=True)
        given = place / name
        if not isinstance(given.value, dict | None):
            given.refuse(
                "the arguments are due here, each under its name", f"for example: {{{name}: {{...}}}}"
            )
            return None
        if info is None:
            return None
        try:
            arguments = info.signature.bind(given.value or {}, partial=True)
        except BindError as error:
            unknown = error.parameter not in {parameter.wire_name for parameter in info.signature.parameters}
            (given / error.parameter).refuse(f"{name}: {error.sentence}", error.hint, key=unknown)
            return None
        return Step(name, arguments, Mode(mode or Mode.RESTART), place.document.where(place.steps))

    def _info(self, place: Place, name: str, *, key: bool) -> ActionInfo | None:
        """What `name`, the text or the key at `place`, runs."""
        if name in self.used:
            return self.used[name]
        device, dot, verb = name.partition(".")
        if not dot:
            return self._handler(place, name, key=key)
        if device in self._doubtful:
            return None
        if device not in self._verbs:
            place.refuse(
                f"there is no device '{device}'", nearest(device, self._verbs, what="devices"), key=key
            )
            return None
        method = self._verbs[device].get(verb)
        if method is None:
            hint = nearest(verb, self._verbs[device], what="verbs")
            place.refuse(f"{device} has no verb '{verb}'", hint, key=key, offset=len(device) + 1)
            return None
        about: VerbInfo = method.verb_info  # type: ignore[attr-defined]  # set on every verb
        signature = Signature.of(method, skip_first=True)
        return self._use(name, ActionInfo(signature, about.moves, about.streamed, about.timeout_s))

    def _handler(self, place: Place, name: str, *, key: bool) -> ActionInfo | None:
        function = self._handlers.get(name)
        if function is None:
            if self._handlers_sound:
                verbs = [f"{device}.{verb}" for device, table in self._verbs.items() for verb in table]
                hint = nearest(name, [*self._handlers, *verbs], what="handlers")
                place.refuse(f"there is no handler '{name}'", hint, key=key)
            return None
        about = handler_info(function)
        try:
            signature = Signature.of(function, skip_first=True)
        except SignatureError as error:
            place.refuse(error.sentence, error.hint, key=key)
            return None
        return self._use(
            name, ActionInfo(signature, moves=True, blocking=about is not None and about.blocking)
        )

    def _use(self, name: str, info: ActionInfo) -> ActionInfo:
        self.used[name] = info
        return info
