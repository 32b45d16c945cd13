"""`python -m agrilake.commands`."""

from agrilake.commands.main import app

app(prog_name="agrilake")
