"""From files to nouns: CSV, JSON Lines and Parquet, gzip of each, read in bounded memory.

    open_table (table)  ->  RowBatch (rows)  ->  build_items, build_events … (items, events)  ->  store
    take_sample (sample)  ->  infer_items, infer_events … (inference)  ->  mapping  ->  zhiyin.toml

Inference decides once, on a sample, and says so in words; the import then obeys the mapping it wrote.
"""
