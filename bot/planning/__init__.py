"""Which post goes out when: the plan, what it changes, and the calendar ahead."""
