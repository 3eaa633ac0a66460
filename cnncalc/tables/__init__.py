"""A report as a table: its rows and columns, for people, spreadsheets and scripts."""
