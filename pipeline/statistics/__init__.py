"""What figures of several seeds say: means, intervals, differences, and whether it is noise."""
