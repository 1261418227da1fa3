"""Labelled pictures of text lines, rendered here: real enough to calibrate and judge the PP-OCRv4 recogniser on.

    python -m tools.ocr_data --out models/ocr --calibration 300 --evaluation 2000 --seed 0

writes `calibration/` and `evaluation/`, each with `NNNNN.png`, `labels.tsv` (file, tab, label) and `dataset.json`.
No label occurs in both. The lines are hard enough that FP32 misses some, so that a loss would show.
"""
