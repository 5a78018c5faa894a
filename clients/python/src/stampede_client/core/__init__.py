"""What a client decides, without sockets, clock or randomness of its own: events and a time go in, actions
come out. The shells perform them, so that asyncio and threads share every decision."""
