"""The handler of these small robots."""

from robotd import Robot, handler


@handler
async def patrol(robot: Robot) -> None:
    """Drive and rest."""
    robot.base.drive(linear_m_s=0.1, angular_rad_s=0.0)
    await robot.sleep(0.1)
