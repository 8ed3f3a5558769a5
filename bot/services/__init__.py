"""What the bot does: plan, publish, settle, report, decide."""
