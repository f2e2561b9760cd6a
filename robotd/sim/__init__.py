"""The whole daemon in virtual time: scenarios that a robot's owner writes, and campaigns."""
