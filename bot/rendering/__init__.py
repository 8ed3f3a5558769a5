"""What each account shows of a post: texts, threads, facets, pictures."""
