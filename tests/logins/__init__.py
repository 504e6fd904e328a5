"""Log-ins through real proxies at real providers: heavy parts, run by ``./dev test logins``."""
