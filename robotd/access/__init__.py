"""Who may come in, and what each may ask: tokens, roles, throttling and the audit chain. No sockets here."""
