"""Adopting without moving traffic: watching first, then a new policy for a share, taken back by itself."""
