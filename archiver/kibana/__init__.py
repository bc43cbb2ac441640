"""Data views, searches and dashboards for Kibana."""
