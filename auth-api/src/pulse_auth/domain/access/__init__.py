"""What a signed-in person may do: permissions and rules from the database, and guards for routes."""
