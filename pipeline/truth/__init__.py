"""How true the simulator is: replays held against what real kernels did, beside a bare buddy."""
