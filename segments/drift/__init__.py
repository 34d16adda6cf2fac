"""What has changed since the models were trained: measures, findings, alarms in words."""
