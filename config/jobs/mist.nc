; Mist coolant is an option of Grbl's build: one without it refuses line 6.
G21 G90 G94
G53 G0 Z-10
G0 X-180 Y-135
G1 X-100 F1500
M7
G1 X-180
M2
