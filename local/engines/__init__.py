"""The servers of one machine, a file each; `base.Engine` says what every one of them is."""
