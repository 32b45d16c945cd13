"""The lake's steps, each idempotent, called alike by the command line and by Airflow."""
