"""Lifetime value: what customers are expected to bring, its interval, its grade."""
