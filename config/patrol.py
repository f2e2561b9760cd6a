"""How the rover patrols. Named under `handlers:` in rover.yaml; each function marked here is an action."""

from robotd import Robot, handler

NEAR_M = 0.4
TURN_RAD = 1.0
STEP_S = 0.1
"""A setpoint of the base lapses after 0.4 s, so it is renewed well before that."""


@handler
async def patrol(robot: Robot, speed_m_s: float = 0.2) -> None:
    """Drive until something is near, turn, go on."""
    while True:
        if robot.read("range").value < NEAR_M:
            await robot.base.turn(TURN_RAD, rate_rad_s=0.8)  # returns when done, with the angle reached
        robot.base.drive(linear_m_s=speed_m_s, angular_rad_s=0.0)
        await robot.sleep(STEP_S)
