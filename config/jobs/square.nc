; A square of 60 mm with round corners, twice. Written for the machine's own coordinates: no offset is set.
G21 G90 G94 G17
G53 G0 Z-10
G0 X-180 Y-135
G1 Z-40 F900
F2400
G1 X-130
G3 X-125 Y-130 I0 J5
G1 Y-80
G3 X-130 Y-75 I-5 J0
G1 X-180
G3 X-185 Y-80 I0 J-5
G1 Y-130
G3 X-180 Y-135 I5 J0
G1 X-130
G3 X-125 Y-130 I0 J5
G1 Y-80
G3 X-130 Y-75 I-5 J0
G1 X-180
G3 X-185 Y-80 I0 J-5
G1 Y-130
G3 X-180 Y-135 I5 J0
G0 Z-10
M2
