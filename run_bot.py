"""Start the bot's command line."""

from bot.cli import main

main()
