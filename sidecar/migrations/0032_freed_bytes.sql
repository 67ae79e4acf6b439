-- What was set aside for downloads that have ended.
update assets set expected_bytes = null where bytes is not null and expected_bytes is not null and status in ('ready', 'processed');
