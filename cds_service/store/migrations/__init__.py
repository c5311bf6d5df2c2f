"""The migrations, in the order alembic finds in them."""
