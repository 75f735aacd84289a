"""The admin machine: where logins are kept, and docker."""
