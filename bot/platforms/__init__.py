"""Adapters: one package a network, all keeping the promises of base.py."""
