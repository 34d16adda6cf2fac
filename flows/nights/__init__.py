"""What a night makes: scores, segments, campaigns, demand, drift, receipts."""
