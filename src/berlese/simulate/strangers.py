"""Body plans of the paper's eight taxa that no library teaches: the unknown animals.

Same terms as in `berlese.simulate.plans`. Source of the eight names: Fujisawa et al. 2023,
Methods, out-of-distribution samples.
"""

from berlese.simulate.plans import BodyPlan

# fmt: off
STRANGERS: dict[str, BodyPlan] = {
    "Coccinellidae": BodyPlan(
        "clubbed",
        dict(
            length_px=(55, 115), head_len=(0.06, 0.09), head_w=(0.26, 0.32), pron_len=(0.16, 0.2),
            pron_w=(0.46, 0.54), pron_front=(0.52, 0.64), pron_base=(0.95, 1.0),
            pron_widest=(0.75, 0.9), ely_len=(0.74, 0.8), ely_w=(0.66, 0.76),
            ely_base=(0.64, 0.74), ely_widest=(0.44, 0.52), ely_apex=(0.6, 0.8), gloss=(0.8, 1.2),
            depth=(0.8, 0.95), grain=(0.01, 0.06), antenna_len=(0.16, 0.22),
            antenna_w=(0.02, 0.026), leg_len=(0.28, 0.34), leg_w=(0.034, 0.042), eye=(0.04, 0.05),
        ),
        ((168, 48, 24), (30, 24, 24), (182, 120, 40), (120, 62, 30)),
        ("spots", "spots", "plain", "bands"),
        pronotum_colours=((26, 22, 22), (150, 96, 40)),
        leg_colours=((34, 26, 24), (120, 72, 34)),
    ),
    "Elateridae": BodyPlan(
        "filiform",
        dict(
            length_px=(85, 170), head_len=(0.06, 0.09), head_w=(0.15, 0.18), pron_len=(0.25, 0.3),
            pron_w=(0.24, 0.29), pron_front=(0.6, 0.72), pron_base=(0.97, 1.0),
            pron_widest=(0.85, 1.0), ely_len=(0.62, 0.68), ely_w=(0.25, 0.3),
            ely_base=(0.92, 1.0), ely_widest=(0.1, 0.3), ely_apex=(0.7, 0.95), striae=(7, 9),
            stria_depth=(0.4, 0.8), pubescence=(0.2, 0.7), gloss=(0.15, 0.4), depth=(0.6, 0.75),
            antenna_len=(0.32, 0.42), antenna_w=(0.02, 0.026), leg_len=(0.28, 0.34),
            leg_w=(0.02, 0.026), eye=(0.03, 0.04),
        ),
        ((66, 40, 26), (34, 28, 26), (112, 66, 34), (46, 34, 28)),
        ("plain", "plain", "shoulders"),
        leg_colours=((96, 58, 32), (54, 36, 26)),
    ),
    "Endomychidae": BodyPlan(
        "clubbed",
        dict(
            length_px=(50, 100), head_len=(0.09, 0.12), head_w=(0.2, 0.24), pron_len=(0.2, 0.24),
            pron_w=(0.38, 0.44), pron_front=(0.7, 0.82), pron_base=(0.92, 1.0),
            pron_widest=(0.5, 0.8), ely_len=(0.66, 0.72), ely_w=(0.5, 0.58), ely_base=(0.76, 0.86),
            ely_widest=(0.42, 0.54), ely_apex=(0.55, 0.7), puncture=(0.1, 0.4), gloss=(0.5, 0.9),
            depth=(0.75, 0.9), grain=(0.05, 0.15), antenna_len=(0.42, 0.5),
            antenna_w=(0.026, 0.032), leg_len=(0.38, 0.46), leg_w=(0.03, 0.036), femur=(1.8, 2.3),
            eye=(0.034, 0.044),
        ),
        ((128, 64, 28), (92, 50, 28), (40, 28, 24), (150, 86, 38)),
        ("plain", "spots", "plain"),
        pronotum_colours=((44, 30, 26), (136, 70, 32)),
        leg_colours=((104, 60, 30), (48, 32, 26)),
    ),
    "Hydrophilidae": BodyPlan(
        "clubbed",
        dict(
            length_px=(50, 110), head_len=(0.1, 0.13), head_w=(0.28, 0.33), pron_len=(0.18, 0.22),
            pron_w=(0.5, 0.57), pron_front=(0.66, 0.76), pron_base=(0.96, 1.0),
            pron_widest=(0.85, 1.0), ely_len=(0.66, 0.72), ely_w=(0.54, 0.62),
            ely_base=(0.93, 1.0), ely_widest=(0.2, 0.36), ely_apex=(0.65, 0.85), striae=(0, 9),
            stria_depth=(0.15, 0.45), puncture=(0.2, 0.5), gloss=(0.5, 1.0), depth=(0.8, 1.0),
            grain=(0.02, 0.1), antenna_len=(0.18, 0.24), antenna_w=(0.024, 0.03),
            leg_len=(0.3, 0.36), leg_w=(0.03, 0.036), eye=(0.04, 0.05),
        ),
        ((30, 26, 26), (58, 38, 26), (110, 68, 34), (38, 30, 26)),
        ("plain", "plain", "apex"),
        leg_colours=((72, 44, 28), (40, 30, 26)),
    ),
    "Laemophloeidae": BodyPlan(
        "filiform",
        dict(
            length_px=(42, 72), head_len=(0.14, 0.17), head_w=(0.27, 0.32), pron_len=(0.2, 0.24),
            pron_w=(0.32, 0.37), pron_front=(0.85, 0.96), pron_base=(0.72, 0.84),
            pron_widest=(0.2, 0.35), ely_len=(0.58, 0.64), ely_w=(0.34, 0.4), ely_base=(0.88, 0.96),
            ely_widest=(0.4, 0.55), ely_apex=(0.3, 0.45), striae=(4, 6), stria_depth=(0.4, 0.8),
            ridge=(0.3, 0.7), gloss=(0.25, 0.5), depth=(0.2, 0.3), grain=(0.1, 0.2),
            antenna_len=(0.5, 0.75), antenna_w=(0.024, 0.03), leg_len=(0.3, 0.36),
            leg_w=(0.03, 0.036), eye=(0.04, 0.05),
        ),
        ((146, 88, 44), (118, 66, 34), (162, 106, 56)),
        leg_colours=((150, 94, 50), (124, 74, 40)),
    ),
    "Phalacridae": BodyPlan(
        "clubbed",
        dict(
            length_px=(42, 72), head_len=(0.08, 0.11), head_w=(0.28, 0.33), pron_len=(0.2, 0.24),
            pron_w=(0.54, 0.6), pron_front=(0.6, 0.7), pron_base=(0.98, 1.0),
            pron_widest=(0.92, 1.0), ely_len=(0.7, 0.75), ely_w=(0.58, 0.66), ely_base=(0.94, 1.0),
            ely_widest=(0.12, 0.25), ely_apex=(0.75, 0.92), gloss=(1.0, 1.4), depth=(0.9, 1.1),
            grain=(0.01, 0.04), antenna_len=(0.24, 0.3), antenna_w=(0.024, 0.03),
            leg_len=(0.24, 0.3), leg_w=(0.032, 0.038), eye=(0.04, 0.05),
        ),
        ((32, 25, 23), (84, 46, 26), (48, 32, 26), (116, 66, 32)),
        ("plain", "plain", "apex"),
        leg_colours=((92, 54, 30), (60, 38, 26)),
    ),
    "Scarabaeidae": BodyPlan(
        "clubbed",
        dict(
            length_px=(95, 200), head_len=(0.12, 0.15), head_w=(0.25, 0.31), pron_len=(0.22, 0.27),
            pron_w=(0.42, 0.5), pron_front=(0.68, 0.8), pron_base=(0.9, 1.0),
            pron_widest=(0.5, 0.7), ely_len=(0.52, 0.6), ely_w=(0.46, 0.54), ely_base=(0.85, 0.95),
            ely_widest=(0.45, 0.65), ely_apex=(0.35, 0.5), abd_len=(0.02, 0.08), abd_w=(0.32, 0.4),
            striae=(5, 8), stria_depth=(0.2, 0.6), puncture=(0.2, 0.6), gloss=(0.3, 0.8),
            depth=(0.85, 1.05), grain=(0.05, 0.2), antenna_len=(0.16, 0.2), antenna_w=(0.03, 0.04),
            leg_len=(0.4, 0.48), leg_w=(0.048, 0.06), femur=(1.5, 1.9), eye=(0.035, 0.045),
        ),
        ((36, 28, 25), (84, 48, 26), (22, 22, 24), (120, 76, 38)),
        ("plain", "plain", "mottled"),
        leg_colours=((58, 36, 26), (32, 26, 24)),
    ),
    "Scydmaeninae": BodyPlan(
        "moniliform",
        dict(
            length_px=(38, 62), head_len=(0.14, 0.17), head_w=(0.19, 0.23), pron_len=(0.23, 0.27),
            pron_w=(0.23, 0.28), pron_front=(0.62, 0.76), pron_base=(0.7, 0.85),
            pron_widest=(0.3, 0.5), ely_len=(0.56, 0.62), ely_w=(0.4, 0.46), ely_base=(0.55, 0.68),
            ely_widest=(0.45, 0.58), ely_apex=(0.6, 0.8), pubescence=(0.4, 0.8), gloss=(0.5, 0.9),
            depth=(0.85, 1.05), grain=(0.04, 0.12), antenna_len=(0.42, 0.5),
            antenna_w=(0.03, 0.036), leg_len=(0.44, 0.52), leg_w=(0.028, 0.034), femur=(2.2, 3.0),
            eye=(0.03, 0.038),
        ),
        ((118, 66, 32), (88, 48, 28), (62, 38, 28)),
        leg_colours=((132, 78, 40), (104, 60, 34)),
    ),
}
# fmt: on
