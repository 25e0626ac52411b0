"""The look: ``colours`` by role, dark and light as the dashboard's, ``style`` for Qt, ``icons`` painted in them."""
