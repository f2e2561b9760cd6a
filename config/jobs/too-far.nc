; The last way leads beyond the travel, so nothing of this moves.
G21 G90 G94
G53 G0 Z-10
G0 X-180 Y-135
G1 X-320 F1500
