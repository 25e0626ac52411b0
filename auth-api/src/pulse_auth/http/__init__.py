"""What every HTTP answer has in common: problem documents, request ids, the schema. Knows no domain."""
