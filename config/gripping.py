"""How the gantry lets a part go. Named under `handlers:` in gantry.yaml."""

from robotd import Robot, handler

SETTLING_S = 0.3
"""How long the vacuum takes to break down: who lifts sooner takes the part along."""


@handler
async def let_go(robot: Robot, height_m: float) -> None:
    """Switch the vacuum off, wait, and lift."""
    robot.vacuum.write(False)
    await robot.sleep(SETTLING_S)
    await robot.gantry.move_to(z_m=height_m)
