"""What more than one service needs: ports, record, worker, models, policy, observability."""
