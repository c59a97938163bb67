"""One event file, from bytes to points.

`event_file` opens it; `records` finds where each record begins and what is damaged; `event_layout` says where
the numbers lie inside one record; `record_batch` reads equal records column by column, checksums included
(`crc32c`); `scalars` brings the points together by tag; `summaries` reads text, hyper-parameters and
histograms.
"""
