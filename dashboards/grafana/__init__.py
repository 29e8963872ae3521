"""How dashboards and their data source get into Grafana: as files, or over its HTTP API."""
