"""Items in DynamoDB."""
