"""One function over many buckets of core rows: in this process, in a pool, or on a cluster."""
