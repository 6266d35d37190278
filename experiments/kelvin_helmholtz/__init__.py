"""Experiments of the stratified shear flow."""
