"""The asyncio SQS worker and its port."""
