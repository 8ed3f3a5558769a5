"""Evidence that outlasts others' servers: pages that are linked to, and own posts."""
