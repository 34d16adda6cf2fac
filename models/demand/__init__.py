"""The coming demand, in all and by customer."""
