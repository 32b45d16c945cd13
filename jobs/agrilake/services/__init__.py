"""The programs that run beside the lake on this machine: Spark, Airflow, Superset, and their supervisor."""
