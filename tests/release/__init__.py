"""`./dev release`: what is published, made from pinned sources and tried where it is foreign."""
